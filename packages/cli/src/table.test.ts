import { expect, it } from 'vitest'
import { fields, table } from './table.ts'

it('writes columns as wide as their widest cell, without blanks at the end of lines', () => {
  const text = table(
    ['ID', 'NAME'],
    [
      ['key_1', 'a'],
      ['k', ''],
      ['k', 'a long one'],
    ],
  )
  expect(text).toBe('ID     NAME\nkey_1  a\nk      -\nk      a long one\n')
})

it('writes names and values', () => {
  expect(fields({ id: 'acme', 'e-mail': '' })).toBe('id      acme\ne-mail  -\n')
})

it('shows what would move the cursor or turn the writing round', () => {
  expect(fields({ name: 'a\u001b[2Jb\r\n\u202ec\u0085d\u2028' })).toBe(
    'name  a\\u{1b}[2Jb\\u{d}\\u{a}\\u{202e}c\\u{85}d\\u{2028}\n',
  )
})
