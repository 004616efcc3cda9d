import { Failure } from './failure.ts'

const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** `90s`, `15m`, `12h`, `30d`, `2w` or `0`, in milliseconds. */
export function parseDuration(option: string, text: string): number {
  const milliseconds = durationIn(text)
  if (milliseconds === undefined)
    throw new Failure('usage', `${option} must be a duration such as 90s, 15m, 12h or 30d`)
  return milliseconds
}

/** A time in milliseconds since the epoch, from an ISO date, epoch milliseconds, or a duration from now. */
export function parseWhen(option: string, text: string, now: number): number {
  const time = isDigits(text) ? millisecondsIn(text) : (dateIn(text) ?? later(text, now))
  if (time !== undefined) return time
  throw new Failure(
    'usage',
    `${option} must be a duration such as 30d, a date such as 2030-01-31 or 2030-01-31T12:00:00Z, or epoch milliseconds`,
  )
}

export function isoOf(time: number): string
export function isoOf(time: number | null): string | null
export function isoOf(time: number | null): string | null {
  if (time === null) return null
  // A token may say that it ended before there were dates.
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString()
}

function durationIn(text: string): number | undefined {
  if (text === '0') return 0
  const [, number = '', unit = ''] = /^(\d{1,9})([smhdw])$/.exec(text) ?? []
  return number === '' ? undefined : Number(number) * (UNITS[unit] as number)
}

function later(text: string, now: number): number | undefined {
  const duration = durationIn(text)
  return duration === undefined ? undefined : now + duration
}

function isDigits(text: string): boolean {
  return /^\d+$/.test(text)
}

// Fewer digits are seconds, or a year: as milliseconds they would lie in the seventies, and the key be dead.
function millisecondsIn(text: string): number | undefined {
  return text.length === 13 ? Number(text) : undefined
}

/** A day is meant in UTC. A time of day without a zone is none: it would be another one on another machine. */
function dateIn(text: string): number | undefined {
  const [, day = ''] =
    /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/.exec(text) ?? []
  const time = Date.parse(text)
  // `Date` would take the 30th of February for the 2nd of March.
  const isDay = day !== '' && Number.isFinite(time) && new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)
  return isDay ? time : undefined
}
