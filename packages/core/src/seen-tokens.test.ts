import { describe, expect, it } from 'vitest'
import { seenTokens } from './seen-tokens.ts'

const TOKEN = `head.claims.${'s'.repeat(43)}`

interface Proof {
  readonly number: number
}

/** What is done with a token that was good. */
function pass(tokens: ReturnType<typeof seenTokens<Proof>>, text: string, proof: Proof): void {
  if (tokens.mark(text)) tokens.keep(text, proof)
}

describe('seenTokens', () => {
  it('finds a token that was good twice, and one that came once not at all', () => {
    const tokens = seenTokens<Proof>()
    const second = { number: 2 }
    pass(tokens, TOKEN, { number: 1 })
    expect(tokens.find(TOKEN)).toBeUndefined()
    pass(tokens, TOKEN, second)
    expect(tokens.find(TOKEN)).toBe(second)
  })

  it('never takes one text for another, also where their last characters are the same', () => {
    const tokens = seenTokens<Proof>()
    for (const number of [1, 2]) pass(tokens, TOKEN, { number })
    for (const other of [TOKEN.replace('head', 'haed'), TOKEN.replace('claims', 'claimz'), `x${TOKEN.slice(1)}`]) {
      expect(tokens.find(other)).toBeUndefined()
    }
  })

  it.each(['', 'a', 'short', 'é'.repeat(100)])('takes %j', (text) => {
    const tokens = seenTokens<Proof>()
    const second = { number: 2 }
    pass(tokens, text, { number: 1 })
    pass(tokens, text, second)
    expect(tokens.find(text)).toBe(second)
  })
})
