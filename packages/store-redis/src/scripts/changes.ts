import { SCHEMA } from '../records.ts'
import { adding, changing, opening, type Script } from './script.ts'

/** Makes the store, where there is none. */
export const open: Script = opening(`
  if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('HSET', KEYS[1], 'schema', '${SCHEMA}', 'lease', input.lease)
  end
  return redis.call('HMGET', KEYS[1], 'schema', 'lease')
`)

/**
 * KEYS: each record that is to be there: all of them, or none. An account and a key say where they stand in lists; a
 * secret is of the key before it.
 */
export const insert: Script = adding(`
  local first = input.records[1]
  local function existing(id)
    return {'exists', id, redis.call('HGETALL', name('key', first.service, id))}
  end

  local call = input.call and name('call', first.service, first.accountId, input.call)
  local made = call and redis.call('GET', call)
  if made then return existing(made) end
  if input.onlyFirst then
    local place = redis.call('ZRANGE', name('keys', first.service, first.accountId), 0, 0)[1]
    if place then return existing(string.sub(place, 18)) end
  end

  local seen = {}
  for i = 2, #KEYS do
    if seen[KEYS[i]] or redis.call('EXISTS', KEYS[i]) == 1 then return {'taken'} end
    seen[KEYS[i]] = true
  end

  local insertion = {}

  function insertion.account(account, key)
    local number = redis.call('HINCRBY', KEYS[1], 'accounts', 1)
    redis.call('HSET', key, unpack(account.fields))
    redis.call('ZADD', base .. 'accounts', number, account.id)
    announce('account', account.id)
    if input.audit then record({accountId = account.id}) end
  end

  local owner
  function insertion.key(added, key)
    owner = added
    redis.call('HSET', key, 'place', added.place, unpack(added.fields))
    redis.call('ZADD', name('keys', added.service), 0, added.place)
    redis.call('ZADD', name('keys', added.service, added.accountId), 0, added.place)
    if call then
      redis.call('SET', call, added.id)
      redis.call('HSET', key, 'call', input.call)
    end
    announce('key', added.service, added.id)
    if input.audit then recordKey(key) end
  end

  function insertion.secret(secret, key)
    addSecret(owner.service, owner.id, key, secret.fields)
  end

  for i, added in ipairs(input.records) do insertion[added.kind](added, KEYS[i + 1]) end
  return {'inserted'}
`)

/** KEYS: key, the list of its secrets, the new secret. */
export const rotateKey: Script = changing(`
  if not isThere(KEYS[2], input.accountId) or redis.call('HEXISTS', KEYS[2], 'revokedAt') == 1 then return {'none'} end
  if redis.call('HGET', KEYS[2], 'kind') ~= input.kind then return {'another kind'} end
  if redis.call('EXISTS', KEYS[4]) == 1 then return {'taken'} end
  for _, secret in ipairs(redis.call('LRANGE', KEYS[3], 0, -1)) do
    local ends = tonumber(redis.call('HGET', secret, 'expiresAt') or '')
    if not ends or ends > tonumber(input.endsAt) then redis.call('HSET', secret, 'expiresAt', input.endsAt) end
  end
  addSecret(input.service, input.id, KEYS[4], input.fields)
  recordKey(KEYS[2])
  announce('key', input.service, input.id)
  return {'rotated', redis.call('HGETALL', KEYS[2])}
`)

const SET = `
  if #input.set > 0 then redis.call('HSET', KEYS[2], unpack(input.set)) end
  if #input.unset > 0 then redis.call('HDEL', KEYS[2], unpack(input.unset)) end
`

/** KEYS: key. */
export const changeKey: Script = changing(`
  if not isThere(KEYS[2], input.accountId) then return false end
  ${SET}
  recordKey(KEYS[2])
  announce('key', input.service, input.id)
  return redis.call('HGETALL', KEYS[2])
`)

/** KEYS: key. Once: what is revoked stays as it is. */
export const revokeKey: Script = changing(`
  if not isThere(KEYS[2], input.accountId) then return false end
  if redis.call('HEXISTS', KEYS[2], 'revokedAt') == 0 then
    ${SET}
    recordKey(KEYS[2])
    announce('key', input.service, input.id)
  end
  return redis.call('HGETALL', KEYS[2])
`)

/** KEYS: key, the list of its secrets. Nothing of it stays but what was recorded. */
export const deleteKey: Script = changing(`
  if not isThere(KEYS[2], input.accountId) then return false end
  recordKey(KEYS[2])
  for _, secret in ipairs(redis.call('LRANGE', KEYS[3], 0, -1)) do
    unseal(input.service, secret)
    redis.call('DEL', secret)
  end
  local accountId = redis.call('HGET', KEYS[2], 'accountId')
  local place = redis.call('HGET', KEYS[2], 'place') or ''
  redis.call('ZREM', name('keys', input.service), place)
  redis.call('ZREM', name('keys', input.service, accountId), place)
  local call = redis.call('HGET', KEYS[2], 'call')
  if call then redis.call('DEL', name('call', input.service, accountId, call)) end
  local days = name('usage-days', input.service, input.id)
  for _, day in ipairs(redis.call('ZRANGE', days, 0, -1)) do
    redis.call('DEL', name('usage', input.service, input.id, day))
  end
  redis.call('DEL', KEYS[2], KEYS[3], days)
  announce('key', input.service, input.id)
  return 1
`)

/** KEYS: key, secret. Only where the old seal is still there; the version's end stays as it is. */
export const resealSecret: Script = changing(`
  if not isThere(KEYS[2], input.accountId) or redis.call('HGET', KEYS[3], 'sealed') ~= input.from then return false end
  unseal(input.service, KEYS[3])
  redis.call('HSET', KEYS[3], 'sealed', input.to, 'masterKeyId', input.masterKeyId)
  seal(input.service, KEYS[3])
  recordKey(KEYS[2])
  announce('key', input.service, input.id)
  return 1
`)

/** KEYS: account. */
export const changeAccount: Script = changing(`
  if redis.call('EXISTS', KEYS[2]) == 0 then return false end
  ${SET}
  record({accountId = input.id})
  announce('account', input.id)
  return redis.call('HGETALL', KEYS[2])
`)

export const recordAudit: Script = adding(`
  record(input.about)
  return 1
`)

/** KEYS: the key of each use. The first and the last one are kept, and all are counted. */
export const recordUses: Script = adding(`
  for i, use in ipairs(input.uses) do
    local service, id, place, count, day, firstAt, lastAt = unpack(use)
    local key = KEYS[i + 1]
    if redis.call('EXISTS', key) == 1 then
      local last = tonumber(redis.call('HGET', key, 'lastUsedAt') or '')
      local first = tonumber(redis.call('HGET', key, 'firstUsedAt') or '')
      if not first or first > tonumber(firstAt) then redis.call('HSET', key, 'firstUsedAt', firstAt) end
      if not last or last < tonumber(lastAt) then redis.call('HSET', key, 'lastUsedAt', lastAt) end
      redis.call('HINCRBY', name('usage', service, id, day), place, count)
      redis.call('ZADD', name('usage-days', service, id), day, day)
    end
  end
  return 1
`)

/** KEYS: a channel. How many heard it: of those that this server itself talks to. */
export const publish: Script = changing(`
  return redis.call('SPUBLISH', KEYS[2], input.text)
`)
