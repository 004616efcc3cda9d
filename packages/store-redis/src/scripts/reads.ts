import { reading, type Script } from './script.ts'

const FOUND = `
  local function owner(key)
    local id = redis.call('HGET', key, 'accountId')
    return id and redis.call('HGETALL', name('account', id)) or {}
  end

  local function secretsIn(list)
    local found = {}
    for i, secret in ipairs(redis.call('LRANGE', list, 0, -1)) do found[i] = redis.call('HGETALL', secret) end
    return found
  end
`

/** KEYS: secret. What verification asks, in one round trip: the key's id, the key, its account, the secret. */
export const findByDigest: Script = reading(`${FOUND}
  local at = redis.call('HMGET', KEYS[2], 'service', 'keyId')
  if not at[1] or not at[2] then return false end
  local key = name('key', at[1], at[2])
  return {at[2], redis.call('HGETALL', key), owner(key), redis.call('HGETALL', KEYS[2])}
`)

/** KEYS: key, secrets. */
export const findSigningKey: Script = reading(`${FOUND}
  if redis.call('HGET', KEYS[2], 'kind') ~= 'signing' then return false end
  return {redis.call('HGETALL', KEYS[2]), owner(KEYS[2]), secretsIn(KEYS[3])}
`)

/** KEYS: account. */
export const findAccount: Script = reading(`
  return redis.call('HGETALL', KEYS[2])
`)

/** KEYS: key, secrets. */
export const findKey: Script = reading(`${FOUND}
  if not isThere(KEYS[2], input.accountId) then return false end
  return {redis.call('HGETALL', KEYS[2]), secretsIn(KEYS[3])}
`)

/** KEYS: the sorted set of keys. */
export const listKeys: Script = reading(`${FOUND}
  local found = {}
  local places = redis.call('ZRANGE', KEYS[2], input.from, '+', 'BYLEX', 'LIMIT', 0, input.limit)
  for i, place in ipairs(places) do
    local id = string.sub(place, 18)
    found[i] = {id, redis.call('HGETALL', name('key', input.service, id)), secretsIn(name('secrets', input.service, id))}
  end
  return found
`)

/** KEYS: accounts. */
export const listAccounts: Script = reading(`
  local found = {}
  local numbers = redis.call('ZRANGE', KEYS[2], input.from, '+inf', 'BYSCORE', 'LIMIT', 0, input.limit, 'WITHSCORES')
  for i = 1, #numbers, 2 do
    found[#found + 1] = {numbers[i], numbers[i + 1], redis.call('HGETALL', name('account', numbers[i]))}
  end
  return found
`)

/** KEYS: the set of master keys. In the order in which they come. */
export const listSealed: Script = reading(`
  local found = {}
  local left = tonumber(input.limit)
  for _, master in ipairs(redis.call('SMEMBERS', KEYS[2])) do
    if master ~= input.otherThan and left > 0 then
      for _, secret in ipairs(redis.call('ZRANGE', name('sealed', input.service, master), 0, left - 1)) do
        found[#found + 1] = {redis.call('HGET', secret, 'keyId'), redis.call('HGETALL', secret)}
        left = left - 1
      end
    end
  end
  return found
`)

/** KEYS: the stream of places. What has been trimmed away is not there any more. */
export const listAudit: Script = reading(`
  local found = {}
  for i, place in ipairs(redis.call('XREVRANGE', KEYS[2], input.before, '-', 'COUNT', input.limit)) do
    local entry = redis.call('XRANGE', base .. 'audit', place[1], place[1])[1]
    found[i] = {place[1], entry and entry[2] or {}}
  end
  return found
`)

/** Of each key the days in a range, as they were counted. */
export const listUsage: Script = reading(`
  local found = {}
  for _, id in ipairs(input.ids) do
    for _, day in ipairs(redis.call('ZRANGE', name('usage-days', input.service, id), input.from, input.to, 'BYSCORE')) do
      found[#found + 1] = {id, day, redis.call('HGETALL', name('usage', input.service, id, day))}
    end
  end
  return found
`)
