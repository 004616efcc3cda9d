export function bySubject<T>(items: readonly T[], subjectOf: (item: T) => number): ReadonlyMap<number, readonly T[]> {
  const groups = new Map<number, T[]>()
  for (const item of items) {
    const subject = subjectOf(item)
    const group = groups.get(subject)
    if (group === undefined) groups.set(subject, [item])
    else group.push(item)
  }
  return groups
}
