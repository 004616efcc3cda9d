import { describeWith } from '../requirements.ts'
import { CREDITS, NO_CREDITS, UNAUTHENTICATED } from './answers.ts'
import { printsOnEachFramework, type Run } from './clients.ts'

describeWith('php', 'PHP Guzzle', (php) => {
  // An answer that is not 2xx would be an exception here, and the body only inside of it.
  const prints = (given: Run['given'], body: string): Run => {
    return { snippet: 'viesus.php', service: 'viesus', given, stdout: `200 ${body}\n` }
  }

  printsOnEachFramework(
    (snippet) => [php, snippet],
    [
      prints({ VIESUS_API_KEY: '@live' }, `{"data":${CREDITS}}`),
      prints({ VIESUS_API_KEY: '@zeroCredits' }, `{"data":${NO_CREDITS}}`),
      prints({ VIESUS_API_KEY: '@deleted' }, `{"errors":${UNAUTHENTICATED}}`),
      prints({ VIESUS_API_KEY: 'your-api-key-here' }, `{"errors":${UNAUTHENTICATED}}`),
      prints({}, `{"errors":${UNAUTHENTICATED}}`),
    ],
  )
})
