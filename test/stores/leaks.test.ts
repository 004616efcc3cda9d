import { describe, expect, it } from 'vitest'
import { leakSearch } from './leaks.ts'

const KEY = { what: 'the key', text: 'vs_prod_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6', shown: 'vs_prod_' }
const MASTER = { what: 'the master key', text: 'a master key of more than thirty-two bytes' }
const search = leakSearch([KEY, MASTER])

describe('the search for leaks', () => {
  it.each([
    ['the whole text', KEY.text],
    ['nine characters from its middle', KEY.text.slice(20, 29)],
    ['nine characters from its end', KEY.text.slice(-9)],
    ['the prefix and one character more', KEY.text.slice(0, 9)],
  ])('finds %s between other bytes', (_, part) => {
    const bytes = Buffer.concat([Buffer.alloc(1000, 0xff), Buffer.from(part), Buffer.alloc(3)])
    expect(search(bytes)).toEqual(['the key, as it is'])
    expect(search(`{"a":"${part}"}`)).toEqual(['the key, as it is'])
  })

  it.each([
    ['UTF-16', Buffer.from(KEY.text, 'utf16le')],
    ['hexadecimal digits', KEY.text.slice(15).replace(/./g, (c) => c.charCodeAt(0).toString(16))],
    ['hexadecimal digits', Buffer.from(KEY.text).toString('hex').toUpperCase()],
    ['base64', Buffer.from(KEY.text).toString('base64')],
    ['base64', Buffer.from(` ${KEY.text}`).toString('base64')],
    ['base64', Buffer.from(`  ${KEY.text}`).toString('base64url')],
  ])('finds it as %s', (written, content) => {
    expect(search(content)).toEqual([`the key, as ${written}`])
  })

  it('tells secrets apart', () => {
    expect(search(`${MASTER.text} ${KEY.text}`)).toEqual(['the master key, as it is', 'the key, as it is'])
  })

  it('finds nothing in what may be shown', () => {
    expect(search(`vs_prod_…${KEY.text.slice(-4)} vs_prod_ ${KEY.text.slice(10, 18)}`)).toEqual([])
  })
})
