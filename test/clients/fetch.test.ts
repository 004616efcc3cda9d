import { describe, expect, it } from 'vitest'
import {
  EXPIRED_API_KEY,
  GENERATED,
  INVALID_API_KEY,
  NO_RESULTS,
  RESULTS,
  VIDDYSCRIBE_UNAUTHORIZED,
} from './answers.ts'
import { type Command, client, onEachFramework, printsOnEachFramework, type Run } from './clients.ts'

const node: Command = (snippet) => [process.execPath, snippet]

describe('Node fetch', () => {
  // A variable that is not set is sent as the text `undefined`: a key like any other wrong one.
  printsOnEachFramework(node, [
    fetches('ai-api.mjs', 'aiApi', { API_KEY: '@read' }, `200 ${GENERATED}`),
    fetches('ai-api.mjs', 'aiApi', { API_KEY: '@expired' }, `401 ${EXPIRED_API_KEY}`),
    fetches('ai-api.mjs', 'aiApi', { API_KEY: 'YOUR_API_KEY' }, `401 ${INVALID_API_KEY}`),
    fetches('ai-api.mjs', 'aiApi', {}, `401 ${INVALID_API_KEY}`),
    fetches('viddyscribe.mjs', 'viddyscribe', { VIDDYSCRIBE_API_KEY: '@live' }, `200 ${RESULTS}`),
    fetches('viddyscribe.mjs', 'viddyscribe', { VIDDYSCRIBE_API_KEY: '@starter' }, `404 ${NO_RESULTS}`),
    fetches(
      'viddyscribe.mjs',
      'viddyscribe',
      { VIDDYSCRIBE_API_KEY: 'vsk_your_api_key_here' },
      `401 ${VIDDYSCRIBE_UNAUTHORIZED}`,
    ),
    fetches('viddyscribe.mjs', 'viddyscribe', {}, `401 ${VIDDYSCRIBE_UNAUTHORIZED}`),
  ])
})

describe('makeAPIRequest', () => {
  const invalid = 'Invalid API key. Please check your credentials.'
  const denied = 'Access denied. Check your API key permissions.'

  printsOnEachFramework(node, [
    requests({ ENDPOINT: 'generate', API_KEY: '@read' }, GENERATED),
    requests(
      { ENDPOINT: 'resources', API_KEY: '@readWrite' },
      '{"success":true,"data":{"id":"res_UUID","name":"Untitled"}}',
    ),
    fails({ ENDPOINT: 'generate', API_KEY: 'YOUR_API_KEY' }, invalid),
    fails({ ENDPOINT: 'generate', API_KEY: '@expired' }, invalid),
    fails({ ENDPOINT: 'generate', API_KEY: '@revoked' }, invalid),
    fails({ ENDPOINT: 'generate' }, invalid),
    fails({ ENDPOINT: 'generate', API_KEY: '@write' }, denied),
    fails({ ENDPOINT: 'generate', API_KEY: '@suspended' }, denied),
    fails({ ENDPOINT: 'generate', API_KEY: '@quotaExhausted' }, denied),
    fails({ ENDPOINT: 'nothing', API_KEY: '@read' }, 'API Error: Endpoint not found'),
  ])

  onEachFramework((service) => {
    it('says that the rate limit is exceeded once a Free account has asked 60 times', async () => {
      const { baseUrl, credentials } = service('aiApi')
      const headers = { authorization: `Bearer ${credentials.free}` }
      for (let i = 0; i < 60; i++) await (await fetch(`${baseUrl}/v1/resources`, { headers })).text()
      const given = { ENDPOINT: 'generate', API_KEY: '@free' }
      expect(await client(node('make-api-request.mjs'), service('aiApi'), given)).toEqual({
        exit: 1,
        stdout: '',
        stderr: 'API request failed: Rate limit exceeded. Please try again later.\n',
      })
    })
  })
})

function fetches(snippet: string, service: Run['service'], given: Run['given'], stdout: string): Run {
  return { snippet, service, given, stdout: `${stdout}\n` }
}

function requests(given: Run['given'], stdout: string): Run {
  return { snippet: 'make-api-request.mjs', service: 'aiApi', given, stdout: `${stdout}\n` }
}

function fails(given: Run['given'], message: string): Run {
  const stderr = `API request failed: ${message}\n`
  return { snippet: 'make-api-request.mjs', service: 'aiApi', given, stdout: '', stderr, exit: 1 }
}
