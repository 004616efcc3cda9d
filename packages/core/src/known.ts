/** @throws TypeError when a value is none of those that are known. */
export function checkKnown(option: string, kind: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return
  const accepted = known.length > 0 ? `one of ${known.join(', ')}` : 'left out: the contract has none'
  throw new TypeError(`${option}: unknown ${kind} "${value}"; it must be ${accepted}`)
}

/** The names of the members that a `T` may have. The compiler sees to it that none is left out. */
export function membersOf<T>(members: Readonly<Record<keyof T, true>>): readonly string[] {
  return Object.keys(members)
}

/** @throws TypeError when something is no object, or has another member: misspelt, it would be as if it were not there. */
export function checkMembers(option: string, value: object, members: readonly string[]): void {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${option} must be an object`)
  for (const name of Object.keys(value)) checkKnown(option, 'member', name, members)
}
