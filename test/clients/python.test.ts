import { describeWith } from '../requirements.ts'
import {
  CREDITS,
  EXPIRED_API_KEY,
  GENERATED,
  INVALID_API_KEY,
  NO_CREDITS,
  NO_RESULTS,
  RESULTS,
  UNAUTHENTICATED,
  VIDDYSCRIBE_UNAUTHORIZED,
} from './answers.ts'
import { printsOnEachFramework, type Run } from './clients.ts'

const FAILED = '✗ Authentication failed - check your JWT token'

describeWith('python', 'Python requests', (python) => {
  const prints = (snippet: string, service: Run['service'], given: Run['given'], stdout: string): Run => {
    return { snippet, service, given, stdout: `${stdout}\n` }
  }

  printsOnEachFramework(
    (snippet) => [python, snippet],
    [
      prints('ai-api.py', 'aiApi', { API_KEY: '@read' }, `200 ${GENERATED}`),
      prints('ai-api.py', 'aiApi', { API_KEY: '@expired' }, `401 ${EXPIRED_API_KEY}`),
      prints('ai-api.py', 'aiApi', { API_KEY: 'your-api-key-here' }, `401 ${INVALID_API_KEY}`),
      // Sent as the text `None`: a key like any other wrong one.
      prints('ai-api.py', 'aiApi', {}, `401 ${INVALID_API_KEY}`),
      prints('viddyscribe.py', 'viddyscribe', { VIDDYSCRIBE_API_KEY: '@live' }, `200 ${RESULTS}`),
      prints('viddyscribe.py', 'viddyscribe', { VIDDYSCRIBE_API_KEY: '@starter' }, `404 ${NO_RESULTS}`),
      prints(
        'viddyscribe.py',
        'viddyscribe',
        { VIDDYSCRIBE_API_KEY: 'vsk_your_api_key_here' },
        `401 ${VIDDYSCRIBE_UNAUTHORIZED}`,
      ),
      prints('viddyscribe.py', 'viddyscribe', {}, `401 ${VIDDYSCRIBE_UNAUTHORIZED}`),
      prints('visual-layer.py', 'visualLayer', { JWT_TOKEN: '@apiKey', DATASET_ID: 'abc-123-def-456' }, FAILED),
      prints('visual-layer.py', 'visualLayer', { DATASET_ID: 'abc-123-def-456' }, FAILED),
    ],
  )
})

describeWith('gql', 'Python gql', (python) => {
  const asks = (given: Run['given'], stdout: string, exit = 0): Run => {
    return { snippet: 'viesus.py', service: 'viesus', given, stdout: `${stdout}\n`, exit }
  }

  printsOnEachFramework(
    (snippet) => [python, snippet],
    [
      asks({ VIESUS_API_KEY: '@live' }, CREDITS),
      asks({ VIESUS_API_KEY: '@zeroCredits' }, NO_CREDITS),
      asks({ VIESUS_API_KEY: 'your-api-key-here' }, `TransportQueryError ${UNAUTHENTICATED}`, 1),
      asks({}, `TransportQueryError ${UNAUTHENTICATED}`, 1),
    ],
  )
})
