import { describe, expect, it } from 'vitest'
import { NOW, type Terminal, terminal } from '../fixtures/terminal.ts'

const SERVICE = ['--service', 'ai-api']
const DAY = 86_400_000
const TODAY = Math.floor(NOW / DAY) * DAY
const [GET, POST] = ['GET /v1/resources', 'POST /v1/generate']

interface Made {
  readonly id: string
}

/** Two keys of two accounts; the first one was used on three days. */
async function used(): Promise<Terminal & { readonly ids: readonly [string, string] }> {
  const it = terminal()
  const ids: string[] = []
  for (const account of ['acme', 'umbrella']) {
    await it.run(['accounts', 'create', account, '--plan', 'pro'])
    const options = ['--account', account, '--name', `of ${account}`, '--permission', 'read']
    ids.push(((await it.json(['keys', 'create', ...SERVICE, ...options])) as unknown as Made).id)
    it.wait(1000)
  }
  const [one = '', other = ''] = ids
  const use = (ago: number, route: string, status: number, count: number) => {
    const day = TODAY - ago * DAY
    return { service: 'ai-api', keyId: one, route, status, day, count, firstAt: day, lastAt: day + 1000 }
  }
  it.store.recordUses([
    use(0, POST, 200, 80),
    use(0, POST, 429, 4),
    use(2, POST, 200, 10),
    use(2, GET, 0, 1),
    use(6, GET, 500, 2),
    use(40, GET, 200, 1000),
  ])
  return { ...it, ids: [one, other] }
}

describe('usage', () => {
  it('prints a line for each key, with a bar for each day', async () => {
    const { run, ids } = await used()
    const [one, other] = ids
    expect(await run(['usage', ...SERVICE, '--days', '7'])).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `ID              ACCOUNT   NAME         FIRST USED                LAST USED                 REQUESTS  DENIED  FAILED  BY DAY
${one}  acme      of acme      2026-08-12T00:00:00.000Z  2026-09-21T00:00:01.000Z  97        4       2       ▁···▂·█
${other}  umbrella  of umbrella  -                         -                         0         0       0       ·······
`,
    })
  })

  it('prints the routes of one key too, the most used first', async () => {
    const { run, ids } = await used()
    const { stdout } = await run(['usage', ids[0], ...SERVICE, '--days', '7'])
    expect(stdout.split('\n\n')[1]).toBe(`ROUTE              STATUS  REQUESTS  BY DAY
POST /v1/generate  200     90        ····▁·█
POST /v1/generate  429     4         ······█
GET /v1/resources  500     2         █······
GET /v1/resources  -       1         ····█··
`)
    const month = await run(['usage', ids[0], ...SERVICE])
    expect(month.stdout.split('\n\n')[1]?.split('\n')[1]).toMatch(/ {2}·{27}▁·█$/)
  })

  it('prints JSON, of one account', async () => {
    const { json, ids } = await used()
    const two = ['--days', '2', '--account']
    expect(await json(['usage', ...SERVICE, ...two, 'acme'])).toEqual({
      from: '2026-09-20T00:00:00.000Z',
      to: '2026-09-22T00:00:00.000Z',
      keys: [
        {
          id: ids[0],
          name: 'of acme',
          account: 'acme',
          firstUsedAt: '2026-08-12T00:00:00.000Z',
          lastUsedAt: '2026-09-21T00:00:01.000Z',
          requests: 84,
          counts: [
            { day: '2026-09-21', route: POST, status: 200, count: 80 },
            { day: '2026-09-21', route: POST, status: 429, count: 4 },
          ],
        },
      ],
      next: null,
    })
    expect(await json(['usage', ...SERVICE, ...two, 'umbrella'])).toMatchObject({ keys: [{ id: ids[1], counts: [] }] })
  })

  it('goes on after a page, or takes all of them', async () => {
    const { run, json, ids } = await used()
    const idsOf = ({ keys }: Record<string, unknown>) => (keys as Made[]).map(({ id }) => id)
    const first = await json(['usage', ...SERVICE, '--limit', '1'])
    const next = String(first.next)
    expect(idsOf(first)).toEqual([ids[0]])
    expect(idsOf(await json(['usage', ...SERVICE, '--limit', '1', '--after', next]))).toEqual([ids[1]])
    expect(idsOf(await json(['usage', ...SERVICE, '--limit', '1', '--all']))).toEqual(ids)
    expect((await run(['usage', ...SERVICE, '--limit', '1'])).stderr).toBe(
      `There are more: --after '${next}', or --all.\n`,
    )
  })

  it('says that there are no keys, or no such one', async () => {
    const { run, ids } = await used()
    const none = await run(['usage', '--service', 'viesus'])
    expect([none.exitCode, none.stderr]).toEqual([0, 'No keys of viesus.\n'])
    expect((await run(['usage', 'key_none', ...SERVICE])).exitCode).toBe(1)
    expect((await run(['usage', ids[0], ...SERVICE, '--account', 'umbrella'])).exitCode).toBe(1)
  })

  it.each(['0', '367', '-1', 'week'])('refuses %s days', async (days) => {
    const { run } = await used()
    const { exitCode, stderr } = await run(['usage', ...SERVICE, `--days=${days}`])
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--days')])
  })
})
