import { afterEach, describe, expect, it, vi } from 'vitest'
import { attacksOn } from './attacks.ts'
import { decide, makeBench, verdictOf } from './situation.ts'

const { auth, situation } = await makeBench()
const attacks = attacksOn(situation)

describe('a token', () => {
  it.each(attacks)('$verdict: $name', ({ token, verdict }) => {
    const fetched = vi.spyOn(globalThis, 'fetch')
    expect(verdictOf(decide(auth, token))).toBe(verdict)
    expect(fetched).not.toHaveBeenCalled()
  })
  afterEach(() => vi.restoreAllMocks())

  it('is denied in one way, whatever is wrong with it', () => {
    const answers = attacks.flatMap(({ token }) => {
      const outcome = decide(auth, token)
      return outcome.kind === 'denied' && outcome.code !== 'missing'
        ? [JSON.stringify(auth.render(outcome, { get: () => null }))]
        : []
    })
    expect(new Set(answers).size).toBe(1)
    expect(answers[0]).toContain('"status":401')
  })

  it('comes in several hundred kinds, some of them good', () => {
    expect(attacks.length).toBeGreaterThan(500)
    expect(attacks.filter(({ verdict }) => verdict === 'accepted').length).toBeGreaterThan(50)
  })
})
