import { describe } from 'vitest'
import { CREDITS, NO_CREDITS, UNAUTHENTICATED } from './answers.ts'
import { printsOnEachFramework, type Run } from './clients.ts'

// Up to 7.3.1 the errors of an answer that is not 2xx are lost: these are what keeps the status of a denial at 200.
describe.each(['graphql-request-7.0', 'graphql-request-7.3', 'graphql-request-7.4'])('%s', (version) => {
  const QUERY = 'mutation { createEnhancedImage(imageUrl: "https://example.com/image.jpg") { id } }'
  const insufficient =
    '[{"message":"Insufficient credits.","locations":[{"line":1,"column":12}],"path":["createEnhancedImage"],' +
    '"extensions":{"code":"INSUFFICIENT_CREDITS"}}]'
  const asks = (given: Run['given'], stdout: string, exit = 0): Run => {
    return {
      snippet: 'viesus.mjs',
      service: 'viesus',
      given,
      stdout: `${stdout}\n`,
      exit,
    }
  }

  printsOnEachFramework(
    (snippet) => [process.execPath, snippet, version],
    [
      asks({ VIESUS_API_KEY: '@live' }, CREDITS),
      asks({ VIESUS_API_KEY: '@zeroCredits' }, NO_CREDITS),
      asks({ VIESUS_API_KEY: '@zeroCredits', QUERY }, `ClientError 200 ${insufficient}`, 1),
      asks({ VIESUS_API_KEY: 'your-api-key-here' }, `ClientError 200 ${UNAUTHENTICATED}`, 1),
      // Sent as the text `undefined`.
      asks({}, `ClientError 200 ${UNAUTHENTICATED}`, 1),
    ],
  )
})
