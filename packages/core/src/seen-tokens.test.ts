import { describe, expect, it } from 'vitest'
import { seenTokens } from './seen-tokens.ts'

const TOKEN = `head.claims.${'s'.repeat(43)}`

const proof = (claims: Record<string, unknown> = {}) => ({ principal: { claims } })

/** What is done with a token that was good. */
function pass<T extends ReturnType<typeof proof>>(tokens: ReturnType<typeof seenTokens<T>>, text: string, proven: T) {
  if (tokens.isKnown(text)) tokens.keep(text, proven)
}

describe('seenTokens', () => {
  it('keeps a token from the second time on, frozen, and one that comes once not at all', () => {
    const tokens = seenTokens<ReturnType<typeof proof>>()
    const [first, second] = [proof({ scope: ['a'] }), proof({ scope: ['a'] })]
    pass(tokens, TOKEN, first)
    expect(tokens.find(TOKEN)).toBeUndefined()
    expect(Object.isFrozen(first.principal.claims)).toBe(false)
    pass(tokens, TOKEN, second)
    expect(tokens.find(TOKEN)).toBe(second)
    expect([second.principal.claims, second.principal.claims.scope].every(Object.isFrozen)).toBe(true)
  })

  it('never takes one text for another, also where their last characters are the same', () => {
    const tokens = seenTokens<ReturnType<typeof proof>>()
    pass(tokens, TOKEN, proof())
    pass(tokens, TOKEN, proof())
    for (const other of [TOKEN.replace('head', 'haed'), TOKEN.replace('claims', 'claimz'), `x${TOKEN.slice(1)}`]) {
      expect(tokens.find(other)).toBeUndefined()
    }
  })

  it.each(['', 'a', 'short', 'é'.repeat(100)])('takes %j', (text) => {
    const tokens = seenTokens<ReturnType<typeof proof>>()
    const proven = proof()
    pass(tokens, text, proof())
    pass(tokens, text, proven)
    expect(tokens.find(text)).toBe(proven)
  })
})
