import { describe, expect, it } from 'vitest'
import { Failure } from './failure.ts'
import { isoOf, parseDuration, parseWhen } from './times.ts'

const NOW = 1_790_000_000_000

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['90s', 90_000],
    ['15m', 900_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
    ['2w', 1_209_600_000],
  ])('reads %s', (text, milliseconds) => {
    expect(parseDuration('--overlap', text)).toBe(milliseconds)
  })

  // A bare number would be seconds to some and milliseconds to others.
  it.each(['', '60', '-1s', '1.5h', '1y', '30D', ' 1s', '1s1s', '9999999999s'])('refuses %j', (text) => {
    const refusal = new Failure('usage', '--overlap must be a duration such as 90s, 15m, 12h or 30d')
    expect(() => parseDuration('--overlap', text)).toThrow(refusal)
  })
})

describe('parseWhen', () => {
  it.each([
    ['30d', NOW + 2_592_000_000],
    ['0s', NOW],
    ['1893456000000', 1_893_456_000_000],
    ['2030-01-01', 1_893_456_000_000],
    ['2030-01-01T00:00Z', 1_893_456_000_000],
    ['2030-01-01T00:00:00Z', 1_893_456_000_000],
    ['2030-01-01T00:00:00.250Z', 1_893_456_000_250],
    ['2030-01-01T02:00:00+02:00', 1_893_456_000_000],
    ['2024-02-29', 1_709_164_800_000],
  ])('reads %s', (text, time) => {
    expect(parseWhen('--expires', text, NOW)).toBe(time)
  })

  it.each([
    '',
    'soon',
    'never',
    // Seconds, or a year: as milliseconds they would be in the seventies.
    '1893456000',
    '2030',
    '18934560000000',
    '2030-1-1',
    '2030-13-01',
    // These would be taken for the first of March.
    '2030-02-29',
    '2030-02-29T00:00:00Z',
    // Another time on another machine.
    '2030-01-01T00:00:00',
    '2030-01-01 00:00:00Z',
    '2030-01-01T25:00:00Z',
    'Jan 1 2030',
  ])('refuses %j', (text) => {
    const refusal = new Failure(
      'usage',
      '--expires must be a duration such as 30d, a date such as 2030-01-31 or 2030-01-31T12:00:00Z, or epoch milliseconds',
    )
    expect(() => parseWhen('--expires', text, NOW)).toThrow(refusal)
  })
})

it('writes times as ISO 8601', () => {
  expect([isoOf(NOW), isoOf(null)]).toEqual(['2026-09-21T14:13:20.000Z', null])
})
