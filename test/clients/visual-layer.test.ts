/** Visual Layer's three steps in their order: credentials for a session, a token of them, a dataset. */
import { expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import { client, masked, onEachFramework, type Printed } from './clients.ts'

const SUPPORT = 'If you need to access your secret again, contact Visual Layer support at support@visual-layer.com.'
const DATASET =
  '{"id":"abc-123-def-456","display_name":"My Dataset","status":"READY","progress":100,"owned_by":"VL",' +
  '"created_at":"2025-10-30T10:00:00.000000"}'

const PYTHON = {
  success: '✓ Success! Dataset: My Dataset\n  Status: READY\n  Progress: 100%\n',
  failed: '✗ Authentication failed - check your JWT token\n',
  notFound: '✗ Dataset not found - check your dataset ID\n',
}
const CURL = {
  success: `${DATASET}\n200\n`,
  failed: '{"detail":"JWT token is invalid or expired"}\n401\n',
  notFound: '{"detail":"Dataset not found"}\n404\n',
}

describeWith('curl', 'Visual Layer, step by step', () => {
  describeWith('python', 'with Python PyJWT', (python) => {
    onEachFramework((service) => {
      const run = (words: string[], given: Record<string, string>) => client(words, service('visualLayer'), given)
      const credentials = () => run(['sh', 'visual-layer-credentials.sh'], { SESSION: '@session' })

      /** The token that `generate_jwt` makes of a key and its secret. */
      async function tokenOf(API_KEY: string, API_SECRET: string): Promise<string> {
        const { stdout } = await run([python, 'visual-layer-jwt.py'], { API_KEY, API_SECRET })
        expect(stdout).toMatch(/^VL_Token:eyJ[\w-]+\.[\w-]+\.[\w-]{43}\n$/)
        return stdout.slice('VL_Token:'.length, -1)
      }

      async function expectAnswer(JWT_TOKEN: string, DATASET_ID: string, answer: keyof typeof CURL): Promise<void> {
        const given = { JWT_TOKEN, DATASET_ID }
        expect(await run(['sh', 'visual-layer-dataset.sh'], given)).toEqual(printed(CURL[answer]))
        expect(await run([python, 'visual-layer.py'], given)).toEqual(printed(PYTHON[answer]))
      }

      it('a session gets a key, whose secret makes tokens and is shown once', async () => {
        const first = await credentials()
        const [body = ''] = first.stdout.split('\n')
        const { api_key, api_secret } = JSON.parse(body)
        expect(api_secret).toMatch(/^[\w-]{43}$/)
        const created = `API key created. Write down the secret – it's only shown once! ${SUPPORT}`
        expect(first).toEqual(printed(`${JSON.stringify({ api_key, api_secret, message: created })}\n200\n`))

        const second = await credentials()
        const message = `API key already exists. The secret was only shown once. ${SUPPORT}`
        expect(second).toEqual(printed(`${JSON.stringify({ api_key, api_secret: null, message })}\n200\n`))
        expect(masked(second).stdout).toContain('"api_key":"UUID"')

        // A new user may not see anybody's dataset yet, but is known.
        await expectAnswer(await tokenOf(api_key, api_secret), 'abc-123-def-456', 'notFound')
      })

      it.each([
        ['the owner', '@apiKey', '@apiSecret', 'abc-123-def-456', 'success'],
        ['a viewer', '@viewerApiKey', '@viewerApiSecret', 'abc-123-def-456', 'success'],
        ['a user who may not see it', '@apiKey', '@apiSecret', 'private-000', 'notFound'],
        ['a user who asks for what is not there', '@apiKey', '@apiSecret', 'missing', 'notFound'],
        [
          'the owner, signed with the secret of another key',
          '@apiKey',
          '@viewerApiSecret',
          'abc-123-def-456',
          'failed',
        ],
        ['a revoked key', '@revokedApiKey', '@revokedApiSecret', 'abc-123-def-456', 'failed'],
        ['an unknown key', 'nobody', '@apiSecret', 'abc-123-def-456', 'failed'],
      ] as const)('the token of %s gets what its dataset documents', async (_, key, secret, dataset, answer) => {
        await expectAnswer(await tokenOf(key, secret), dataset, answer)
      })
    })
  })
})

function printed(stdout: string): Printed {
  return { exit: 0, stdout, stderr: '' }
}
