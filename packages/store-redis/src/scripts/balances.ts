import { adding, changing, reading, type Script } from './script.ts'

/** KEYS: balance. As it stands in the period that is asked about, if it begins anew there, or in a later one. */
const STANDING = `
  local found = redis.call('HMGET', KEYS[2], 'start', 'used', 'limit')
  local start, used, limit = found[1], found[2], found[3] or input.limit
  if not start or tonumber(start) < tonumber(input.start) then start, used = input.start, '0' end
`

/** Charged at once, or not at all. */
export const reserve: Script = adding(`${STANDING}
  if not limit then return false end
  local after = used + input.amount
  if after > tonumber(limit) then return {'refused', start, used, limit} end
  -- Joined to a text it would be rounded.
  after = string.format('%.0f', after)
  redis.call('HSET', KEYS[2], 'start', start, 'used', after)
  return {'charged', start, after, limit}
`)

/** Into the period that it was taken from, and into no other one. */
export const giveBack: Script = changing(`
  local found = redis.call('HMGET', KEYS[2], 'start', 'used')
  if found[1] ~= input.start then return false end
  local used = math.max(0, found[2] - input.amount)
  redis.call('HSET', KEYS[2], 'used', string.format('%.0f', used))
  return 1
`)

export const read: Script = reading(`${STANDING}
  if not limit then return false end
  return {start, used, limit}
`)

export const change: Script = adding(`${STANDING}
  redis.call('HSET', KEYS[2], 'start', start, 'used', used, unpack(input.set))
  if #input.unset > 0 then redis.call('HDEL', KEYS[2], unpack(input.unset)) end
  return 1
`)
