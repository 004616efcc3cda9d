import type { Mutant } from '../mutant.ts'
import { of, redis, stores } from '../rows.ts'

export const REDIS: readonly Mutant[] = [
  ...of(redis('scripts/limits'), stores('redis-limits'), [
    [
      'a unit leaves a length after its cell has ended',
      'local leaves = from + width + length',
      'local leaves = from + length',
    ],
    ['what a clock that was ahead has counted is forgotten', ' or from > now + length then', ' then'],
    ['a window refuses what does not fit', 'if refusedBy then return', 'if false then return'],
    ['a full bucket of slots refuses', 'if held >= tonumber(input.slots.limit) then return', 'if false then return'],
    ['slots that are free again do not count', " - redis.call('ZCOUNT', key, '-inf', now)", ''],
    ['what has left is taken away', "if #window.gone > 0 then redis.call('HDEL', key, unpack(window.gone)) end", ''],
    ['no name stays for ever', "redis.call('PEXPIREAT', key, math.ceil(math.min(at, 8.64e15)))", ''],
    [
      'slots stay for the longest of them',
      "redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2]",
      'now + input.slots.seconds * 1000',
    ],
    ['what is undone is what was taken', 'math.floor(input.at /', 'math.floor(now /'],
    ['a number is not rounded by the client', "return string.format('%.0f', math.floor(number))", 'return number'],
    ['a window refuses by the longest wait', 'if not at or fits > at then', 'if true then'],
  ]),
  ...of(redis('limiter'), stores('redis-limits'), [
    ['a wait is told in the time of the caller', ' - Number(clock) + now', ''],
    ['each slot has a holder of its own', 'slots && randomUUID()', "slots && 'one'"],
  ]),
  ...of(redis('scripts/balances'), stores('redis-limits'), [
    ['a balance is not overspent', 'if after > tonumber(limit) then', 'if false then'],
    ['a period begins once', 'tonumber(start) < tonumber(input.start)', 'start ~= input.start'],
    ['an amount goes back into its own period', 'if found[1] ~= input.start then return false end', ''],
    ['no more goes back than was used', 'math.max(0, found[2] - input.amount)', 'found[2] - input.amount'],
    ['an amount is not rounded by Lua', "after = string.format('%.0f', after)", "after = after .. ''"],
  ]),
  ...of(redis('scripts/script'), stores('redis-limits'), [
    ['a change that was given up is not made', 'if now > tonumber(ARGV[2]) then', 'if false then'],
  ]),
  ...of(redis('redis'), stores('redis-feed'), [
    ['without a lease nothing is announced', 'stored > 0 ? changeFeed', 'stored >= 0 ? changeFeed'],
  ]),
]
