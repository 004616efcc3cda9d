import { adding, changing, type Script } from './script.ts'

/*
 * A window is a hash: how many units came in which cell of time. A cell is a fiftieth of the window, counted from the
 * epoch; what came in it leaves one length after it has ended, so late by a cell at most and never early. So there are
 * fifty-one cells that count, however many units come.
 */

const CELLS = 50

/** No name stays for ever. A number that is much larger would be written with an exponent, which Redis does not read. */
const KEEP = `
  local function keep(key, at)
    redis.call('PEXPIREAT', key, math.ceil(math.min(at, 8.64e15)))
  end
`

/** A text, because the client rounds an integer close to 2^53 where it reads one. */
const DIGITS = `
  local function digits(number)
    return string.format('%.0f', math.floor(number))
  end
`

/** KEYS: each window, then the slots, if any are asked for. */
export const take: Script = adding(`${KEEP}${DIGITS}
  local windows = {}
  for i, asked in ipairs(input.windows) do
    local length = asked.seconds * 1000
    local width = length / ${CELLS}
    local first, last
    local count, cells, gone = 0, {}, {}
    local found = redis.call('HGETALL', KEYS[i + 1])
    for j = 1, #found, 2 do
      local from = found[j] * width
      local leaves = from + width + length
      -- The clock was ahead and has been put right: what lies beyond the window must not block it.
      if leaves <= now or from > now + length then
        gone[#gone + 1] = found[j]
      else
        cells[leaves] = tonumber(found[j + 1])
        count = count + cells[leaves]
        if not first or leaves < first then first = leaves end
        if not last or leaves > last then last = leaves end
      end
    end
    windows[i] = {
      length = length, width = width, limit = tonumber(asked.limit), cost = tonumber(asked.cost),
      count = count, cells = cells, first = first, last = last, gone = gone,
    }
  end

  local function states()
    local all = {}
    for i, window in ipairs(windows) do all[i] = {digits(window.count), digits(window.first or now)} end
    return all
  end

  local function fitsAt(window)
    local ends = {}
    for leaves in pairs(window.cells) do ends[#ends + 1] = leaves end
    table.sort(ends)
    local count = window.count
    for _, leaves in ipairs(ends) do
      count = count - window.cells[leaves]
      if window.cost <= window.limit - count then return leaves end
    end
    return now + window.length
  end

  local refusedBy, at
  for i, window in ipairs(windows) do
    if window.cost > window.limit - window.count then
      local fits = fitsAt(window)
      if not at or fits > at then refusedBy, at = i - 1, fits end
    end
  end
  if refusedBy then return {'window', digits(now), states(), refusedBy, digits(at)} end

  if input.slots then
    local key = KEYS[#KEYS]
    local held = redis.call('ZCARD', key) - redis.call('ZCOUNT', key, '-inf', now)
    if held >= tonumber(input.slots.limit) then return {'slots', digits(now), states()} end
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    redis.call('ZADD', key, now + input.slots.seconds * 1000, input.slots.id)
    keep(key, redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2])
  end

  for i, window in ipairs(windows) do
    local key = KEYS[i + 1]
    local cell = math.floor(now / window.width)
    local leaves = (cell + 1) * window.width + window.length
    if #window.gone > 0 then redis.call('HDEL', key, unpack(window.gone)) end
    redis.call('HINCRBY', key, cell, window.cost)
    window.count = window.count + window.cost
    window.first = math.min(leaves, window.first or leaves)
    keep(key, math.max(leaves, window.last or leaves))
  end
  return {'taken', digits(now), states()}
`)

/** KEYS: as of `take`. A cell that has left is not counted any more, whatever stands in it. */
export const undo: Script = changing(`
  for i, asked in ipairs(input.windows) do
    local key = KEYS[i + 1]
    local cell = math.floor(input.at / (asked.seconds * 1000 / ${CELLS}))
    local units = tonumber(redis.call('HGET', key, cell) or '')
    local cost = tonumber(asked.cost)
    if units and units <= cost then redis.call('HDEL', key, cell) end
    if units and units > cost then redis.call('HINCRBY', key, cell, -cost) end
  end
  if input.slot then redis.call('ZREM', KEYS[#KEYS], input.slot) end
  return 1
`)

/** KEYS: the slots. */
export const leave: Script = changing(`
  return redis.call('ZREM', KEYS[2], input.slot)
`)
