import { describeWith } from '../requirements.ts'
import {
  EXPIRED_API_KEY,
  GENERATED,
  INVALID_API_KEY,
  MISSING_API_KEY,
  NO_RESULTS,
  RESULTS,
  UNAUTHENTICATED,
  VIDDYSCRIBE_UNAUTHORIZED,
} from './answers.ts'
import { type Environment, printsOnEachFramework, type Run } from './clients.ts'

const ME = '{"userId":"user_abc123","plan":"pro","email":"you@example.com"}'
const UNAUTHORIZED = '{"error":"Missing or invalid API key.","code":"UNAUTHORIZED"}'
const REVOKED = '{"error":"This API key has been revoked.","code":"API_KEY_REVOKED"}'
const FREE = '{"error":"API access is not available on the Free plan. Upgrade to Pro.","code":"FORBIDDEN"}'

describeWith('curl', 'curl', () => {
  printsOnEachFramework(
    (snippet) => ['sh', snippet],
    [
      ...runs('viesus.sh', 'viesus', [
        [{ VIESUS_API_KEY: '@live' }, 200, '{"data":{"credits":{"remainingCreditsThisPeriod":42}}}'],
        [{ VIESUS_API_KEY: '@zeroCredits' }, 200, '{"data":{"credits":{"remainingCreditsThisPeriod":0}}}'],
        [{ VIESUS_API_KEY: '@deleted' }, 200, `{"errors":${UNAUTHENTICATED}}`],
        [{ VIESUS_API_KEY: 'your-api-key-here' }, 200, `{"errors":${UNAUTHENTICATED}}`],
        [{}, 200, `{"errors":${UNAUTHENTICATED}}`],
      ]),
      ...['viralsync-me.sh', 'viralsync-me-bearer.sh', 'viralsync-verify.sh'].flatMap((snippet) =>
        runs(snippet, 'viralsync', [
          [{ VIRALSYNC_API_KEY: '@live' }, 200, ME],
          [{ VIRALSYNC_API_KEY: '@revoked' }, 401, REVOKED],
          [{ VIRALSYNC_API_KEY: '@deleted' }, 401, UNAUTHORIZED],
          [{ VIRALSYNC_API_KEY: '@free' }, 403, FREE],
          [{ VIRALSYNC_API_KEY: 'vs_prod_YOUR_API_KEY' }, 401, UNAUTHORIZED],
          [{}, 401, UNAUTHORIZED],
        ]),
      ),
      ...runs('viralsync-render.sh', 'viralsync', [
        [{ VIRALSYNC_API_KEY: '@live' }, 202, '{"id":"job_UUID","status":"queued"}'],
        [{ VIRALSYNC_API_KEY: 'vs_prod_YOUR_API_KEY' }, 401, UNAUTHORIZED],
        [{}, 401, UNAUTHORIZED],
      ]),
      ...runs('ai-api.sh', 'aiApi', [
        [{ API_KEY: '@read' }, 200, GENERATED],
        [{ API_KEY: '@expired' }, 401, EXPIRED_API_KEY],
        [{ API_KEY: '@deleted' }, 401, INVALID_API_KEY],
        [{ API_KEY: 'YOUR_API_KEY' }, 401, INVALID_API_KEY],
        [{}, 401, MISSING_API_KEY],
      ]),
      ...runs('viddyscribe.sh', 'viddyscribe', [
        [{ VIDDYSCRIBE_API_KEY: '@live' }, 200, RESULTS],
        [{ VIDDYSCRIBE_API_KEY: '@starter' }, 404, NO_RESULTS],
        [{ VIDDYSCRIBE_API_KEY: '@rotated' }, 401, VIDDYSCRIBE_UNAUTHORIZED],
        [{ VIDDYSCRIBE_API_KEY: 'vsk_your_api_key_here' }, 401, VIDDYSCRIBE_UNAUTHORIZED],
        [{}, 401, VIDDYSCRIBE_UNAUTHORIZED],
      ]),
      ...runs('visual-layer-credentials.sh', 'visualLayer', [
        [{ SESSION: 'nobody' }, 401, '{"detail":"Not authenticated"}'],
        [{}, 401, '{"detail":"Not authenticated"}'],
      ]),
      ...runs('visual-layer-dataset.sh', 'visualLayer', [
        [{ JWT_TOKEN: '@apiKey', DATASET_ID: 'abc-123-def-456' }, 401, '{"detail":"JWT token is invalid or expired"}'],
        [{ DATASET_ID: 'abc-123-def-456' }, 401, '{"detail":"Not authenticated"}'],
      ]),
    ],
  )
})

function runs(
  snippet: string,
  service: Run['service'],
  cases: readonly (readonly [given: Environment, status: number, body: string])[],
): Run[] {
  return cases.map(([given, status, body]) => ({
    snippet,
    service,
    given,
    stdout: `${body}\n${status}\n`,
  }))
}
