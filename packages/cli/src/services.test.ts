import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Failure } from './failure.ts'
import { chooseContract } from './services.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

const CODES = [
  'missing malformed unknown revoked expired token_invalid suspended plan',
  'rate_limited concurrency forbidden exhausted hidden unavailable',
]
const CONTRACT = `{
  carriers: [{ kind: 'bearer' }],
  key: { prefix: 'acme_', length: 38, alphabet: 'base36', checksum: true },
  denials: Object.fromEntries('${CODES.join(' ')}'.split(' ').map((code) => [code, { status: 403, body: { code } }])),
}`

function module(name: string, source: string): string {
  const path = join(folder, `${name}.mjs`)
  writeFileSync(path, `const contract = ${CONTRACT}\n${source}`)
  return path
}

const acme = module('acme', "export const acme = { ...contract, name: 'acme' }\nexport const key = 'no contract'")
const both = module(
  'both',
  "export const b = { ...contract, name: 'b-side' }\nexport default { ...contract, name: 'a-side' }",
)

describe('chooseContract', () => {
  it.each([
    ['viesus', 'viesus'],
    ['viralsync', 'viralsync'],
    ['ai-api', 'ai-api'],
    ['aiApi', 'ai-api'],
    ['viddyscribe', 'viddyscribe'],
    ['visual-layer', 'visual-layer'],
    ['visualLayer', 'visual-layer'],
  ])('knows %s', async (service, name) => {
    expect((await chooseContract({ service })).name).toBe(name)
  })

  it.each([
    [acme, undefined, 'acme'],
    [relative('.', acme), undefined, 'acme'],
    [acme, 'acme', 'acme'],
    [both, 'a-side', 'a-side'],
    [both, 'bSide', 'b-side'],
    [module('twice', "export const one = { ...contract, name: 'one' }\nexport default one"), undefined, 'one'],
  ])('finds the contract in %s by %s', async (contract, service, name) => {
    expect((await chooseContract({ contract, service })).name).toBe(name)
  })

  const BUILT_IN = 'viesus, viralsync, ai-api, viddyscribe, visual-layer'

  it.each([
    [{}, `no service: give --service with one of ${BUILT_IN}, or --contract MODULE for your own API`],
    [
      { service: 'acme' },
      `unknown service: --service must be one of ${BUILT_IN}, or --contract MODULE given for your own API`,
    ],
    [
      { service: 'constructor' },
      `unknown service: --service must be one of ${BUILT_IN}, or --contract MODULE given for your own API`,
    ],
    [
      { contract: both },
      'no service: give --service with one of b-side, a-side, or --contract MODULE for your own API',
    ],
    [{ contract: acme, service: 'viesus' }, 'unknown service: --service must be one of acme'],
  ])('refuses %j and lists what there is', async (options, message) => {
    await expect(chooseContract(options)).rejects.toThrow(new Failure('usage', message))
  })

  it.each([
    ['none', 'export const none = 1', 'exports no contract'],
    [
      'same',
      "export const a = { ...contract, name: 'a' }\nexport const b = { ...contract, name: 'a' }",
      'exports two contracts named a',
    ],
    ['broken', "throw new Error('it broke\\nhere')", 'cannot be loaded: it broke'],
  ])('refuses a module that is %s', async (name, source, why) => {
    const path = module(name, source)
    const refusal = new Failure('usage', `--contract: ${path} ${why}`)
    await expect(chooseContract({ contract: path })).rejects.toThrow(refusal)
  })

  it('refuses a contract that is not whole', async () => {
    const path = module('half', "export const half = { ...contract, name: 'half', carriers: [] }")
    const refusal = new TypeError('contract.carriers must hold at least one of header(name) and bearer()')
    await expect(chooseContract({ contract: path })).rejects.toThrow(refusal)
  })
})
