/** @throws TypeError when there is another option: misspelt, it would be as if it were not given. */
export function checkNames(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new TypeError(`options: unknown member "${unknown}"; it must be one of ${known.join(', ')}`)
}
