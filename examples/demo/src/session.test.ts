import { expect, it } from 'vitest'
import { sessionsWith } from './session.ts'

const masterKey = 'the master key of the demos that share a store'
const another = 'a master key of somebody else who has one too'

it('opens a session in every process that has the master key', () => {
  expect(sessionsWith(masterKey).accountOf(sessionsWith(masterKey).cookieOf('vl_new'))).toBe('vl_new')
})

it('makes one cookie value', () => {
  expect(sessionsWith(masterKey).cookieOf('vl_new')).toMatch(/^vl_new\.[0-9a-f]{32}$/)
})

it('opens no session that was made with another master key', () => {
  expect(sessionsWith(masterKey).accountOf(sessionsWith(another).cookieOf('vl_new'))).toBeUndefined()
})

it('opens sessions of an older master key, and makes them with the newest one', () => {
  const both = sessionsWith(`${another}, ${masterKey}`)
  expect(both.accountOf(sessionsWith(masterKey).cookieOf('vl_new'))).toBe('vl_new')
  expect(both.cookieOf('vl_new')).toBe(sessionsWith(another).cookieOf('vl_new'))
})

it.each([
  ['of another account', (cookie: string) => cookie.replace('vl_new', 'vl_owner')],
  ['with a character changed', (cookie: string) => cookie.slice(0, -1) + (cookie.endsWith('0') ? '1' : '0')],
  ['cut short', (cookie: string) => cookie.slice(0, -1)],
  ['without a MAC', () => 'vl_new'],
  ['with an empty MAC', () => 'vl_new.'],
  ['of nothing', () => ''],
])('opens no session %s', (_, change) => {
  const sessions = sessionsWith(masterKey)
  expect(sessions.accountOf(change(sessions.cookieOf('vl_new')))).toBeUndefined()
})
