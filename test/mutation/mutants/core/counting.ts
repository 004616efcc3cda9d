// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of sources.
import type { Mutant } from '../../mutant.ts'
import { core, of, tested } from '../../rows.ts'

export const COUNTING: readonly Mutant[] = [
  ...of(core('charge'), tested('charge', 'auth-limits'), [
    ['windows belong to a service', '`${contract.name}:${per}', '`${per}'],
    ['an address has a window of its own', "per === 'ip' ? ip : ", ''],
    ['who is anonymous is counted by address alone', 'principal === undefined && !isPerAddress(limit)', 'false'],
    ['charges of a key have a limit', 'else if (room > 0) memo', 'else if (true) memo'],
    ['a charge of many is made once', 'known ??= others.get(memo)', ''],
    ['a charge is of a plan', 'if (known?.plan === plan)', 'if (known !== undefined)'],
    ['a charge is of a mount', 'known !== undefined && known.by !== chargeOf', 'false'],
    [
      'a charge by address is not one for all addresses',
      'if (isByAddress || principal === undefined ||',
      'if (principal === undefined ||',
    ],
  ]),
  ...of(core('contract'), tested('charge'), [
    [
      'a plan that the contract does not know has the lowest number',
      'plans.includes(plan) ? numbers[plan] : Math.min(...Object.values(numbers).map(Number))',
      'numbers[plan]',
    ],
  ]),
  ...of(core('count'), tested('take', 'auth-limits'), [
    [
      'a slot that a limiter did not take back is given back again',
      'unheld(setTimeout(ask, pause, Math.min(2 * pause, LONGEST_PAUSE)))',
      '',
    ],
    ['what could not be undone gives its slot back', 'if (isUnavailable(answer)) leave(counting, charge, receipt)', ''],
    ['a slot is not given back for ever', ' || now() + pause >= freeAt', ''],
    ['a limiter that is down is unavailable', 'if (uncounted === undefined) return fault', ''],
    ['what is let through uncounted is told', 'uncounted(fault)\n', '\n'],
    [
      'a limiter that answers garbage is unavailable',
      "if (!isTaken(result)) return down(counting, unavailable(new Error('the limiter returned a broken answer')))",
      '',
    ],
    ['a request over the limit is refused', 'if (result.taken) return', 'if (true) return'],
    ['a request without a slot is refused', "if (result.refusedBy === 'slots') return", 'if (false) return'],
    ['retry-after is at least a second', 'Math.max(1, ', 'Math.max(0, '],
    ['retry-after is when the cost fits', 'each.name === limit.name ? limit : each', 'each'],
    [
      'what no limiter has counted is not given back',
      'if (receipt === UNCOUNTED || charge.slots === undefined) return',
      'if (charge.slots === undefined) return',
    ],
  ]),
  ...of(core('reservation'), tested('take'), [
    [
      'a broken balance is unavailable',
      "if (!isCharged(result)) return unavailable(new Error('the ledger returned a broken answer'))",
      '',
    ],
    ['an exhausted balance is refused', 'if (result.charged) ', 'if (true) '],
    ['no more is settled than was reserved', ' && actual <= amount', ''],
    ['nothing is settled twice', "if (state === 'settled') throw", 'if (false) throw'],
    ['what was given back is not given back again', "if (state === 'released') return", ''],
    ['what was settled is not given back', "if (state !== 'reserved') return", ''],
  ]),
  ...of(core('take'), tested('take', 'auth-limits'), [
    ['a denial gives back what was taken before it', 'chain(undo(counting, charge, receipt, now), () => paid)', 'paid'],
    ['a slot is given back', 'if (charge !== undefined) leave(counting, charge, receipt)', ''],
    ['an answer that was sent stays charged', "how !== 'finished' && refund.includes(how)", 'true'],
    ['what is given back is what was declared', ' && refund.includes(how)', ''],
  ]),
  ...of(core('client-ip'), tested('client-ip'), [
    ['the field is not read where no proxy is trusted', 'if (trustedHops > 0) {', 'if (true) {'],
    ['hops are counted from the right', 'seen[seen.length - trustedHops]', 'seen[0]'],
    ['too few entries are the client’s', 'seen.length >= trustedHops ? ', 'true ? '],
    ['IPv6 is counted by its /64', 'groups.slice(0, 4)', 'groups'],
    [
      'IPv4 is one in both forms',
      "const isMapped = groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff'",
      'const isMapped = false',
    ],
  ]),
  ...of(core('brake'), tested('brake', 'auth-limits'), [
    ['a brake holds', 'if (log.count < failures) return undefined', 'return undefined'],
    ['only failures are counted', 'if (!FAILURES.has(denied.code)) return denied', ''],
    ['what a brake refuses is not counted', 'if (braked !== undefined) return braked', ''],
    ['failures leave the window', 'forget(log, now)', ''],
  ]),
  ...of(core('cache'), tested('auth-limits'), [
    [
      'a brake does not touch what is cached',
      'const entry = found?.get(id) ?? missed?.get(id)',
      'const entry = gate?.() === undefined ? (found?.get(id) ?? missed?.get(id)) : undefined',
    ],
    ['a brake is asked before the store', 'gate?.() ??\n        watched(', 'watched('],
    ['a brake is asked before the store where there is a cache', 'if (closed !== undefined) return closed', ''],
  ]),
  ...of(core('memory-limiter'), tested('memory-limiter', 'testing/limiter-suite'), [
    [
      'all windows have room or none is charged',
      'if (isFull) return refused(windows, now)',
      'if (isFull && windows.length === 1) return refused(windows, now)',
    ],
    [
      'a window that was dropped is opened again',
      'if (found !== undefined && isWhole(found)) return found',
      'if (found !== undefined) return found',
    ],
    ['slots are counted', 'return held.size < limit\n}', 'return true\n}'],
    [
      'a slot comes back when its time is over, and not before',
      'if (hold.endsAt <= now) held.delete(hold)',
      'held.delete(hold)',
    ],
    ['what is undone gives its slot back', "if (typeof hold !== 'number') slots?.held.delete(hold)", ''],
  ]),
  ...of(core('sliding-log'), tested('memory-limiter', 'testing/limiter-suite'), [
    ['a window slides', 'lastOf(log, 0) + log.length <= now', 'false'],
    ['a run leaves with its last unit', 'if (now > log.last) log.last = now', ''],
    ['a future beyond the window is forgotten', 'log.size > 0 && log.first > now + log.length', 'false'],
    ['a future beyond the window is looked for', ' && log.first <= now + log.length', ''],
    [
      'what leaves first is known when a run is the only one',
      'if (log.size === 1) log.leavesAt',
      'if (log.size === 0) log.leavesAt',
    ],
    [
      'what leaves first is known when a run has left',
      'log.leavesAt = log.size === 0 ? Infinity : lastOf(log, 0) + log.length',
      'log.leavesAt = Infinity',
    ],
    ['only what is there is taken back', 'firstOf(log, run) > at || ', ''],
  ]),
  ...of(core('memory-ledger'), tested('testing/limiter-suite'), [
    ['a balance is not overspent', 'if (entry.used + amount > limit) return', 'if (false) return'],
    ['a period begins anew', 'entry.start < start ? { ...entry, start, used: 0 } : entry', 'entry'],
    ['a clock that goes back refills nothing', 'entry.start < start ?', 'entry.start !== start ?'],
    ['a period takes back what it was charged', 'if (entry?.start === start) entries', 'if (entry) entries'],
    ['no more is given back than was used', 'Math.max(0, entry.used - amount)', 'entry.used - amount'],
  ]),
  ...of(core('period'), tested('period'), [
    ['months are clamped at their ends', 'Math.min(day, daysIn(date.getUTCFullYear(), date.getUTCMonth()))', 'day'],
    ['a period ends where the next one begins', 'while (boundary(origin, n + 1) <= now) n++', ''],
    ['a period is not entered before it begins', 'while (boundary(origin, n) > now) n--', ''],
    ['the first of two midnights begins the day', 'Math.min(...shown)', 'Math.max(...shown)'],
  ]),
  ...of(core('reservation'), tested('auth-events'), [
    [
      'a balance is said to be low once',
      'remaining < LOW * limit && remaining + amount >= LOW * limit',
      'remaining < LOW * limit',
    ],
  ]),
  ...of(core('auth'), tested('auth-limits'), [
    ['a store’s ledger counts', 'ledger = store.ledger ?? memoryLedger()', 'ledger = memoryLedger()'],
  ]),
]
