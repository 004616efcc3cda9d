import { describe, expect, it } from 'vitest'
import { type Recall, type SeenTokens, seenTokens } from './seen-tokens.ts'

const TOKEN = `head.claims.${'s'.repeat(43)}`

const recall = (): Recall => () => undefined

/** What is done with a token that was good. */
function pass(tokens: SeenTokens, text: string, recall: Recall): void {
  if (tokens.mark(text)) tokens.keep(text, recall)
}

describe('seenTokens', () => {
  it('finds a token that was good twice, and one that came once not at all', () => {
    const tokens = seenTokens()
    const second = recall()
    pass(tokens, TOKEN, recall())
    expect(tokens.find(TOKEN)).toBeUndefined()
    pass(tokens, TOKEN, second)
    expect(tokens.find(TOKEN)).toBe(second)
  })

  it('never takes one text for another, also where their last characters are the same', () => {
    const tokens = seenTokens()
    for (const _ of [1, 2]) pass(tokens, TOKEN, recall())
    for (const other of [TOKEN.replace('head', 'haed'), TOKEN.replace('claims', 'claimz'), `x${TOKEN.slice(1)}`]) {
      expect(tokens.find(other)).toBeUndefined()
    }
  })

  it.each(['', 'a', 'short', 'é'.repeat(100)])('takes %j', (text) => {
    const tokens = seenTokens()
    const second = recall()
    pass(tokens, text, recall())
    pass(tokens, text, second)
    expect(tokens.find(text)).toBe(second)
  })
})
