import { createHash } from 'node:crypto'
import { SCHEMA } from '../records.ts'

/** What Redis runs as a whole, between what others ask: nobody sees a half of it. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

/**
 * What every script begins with. The first key is `meta`; the arguments are what the answer is to be marked with, until
 * when a change may be made (by the server's clock, in milliseconds), and the input as JSON, in which there are only
 * texts and lists: cjson would round a number, and give an empty list back as an object.
 */
const BEGINNING = `
local base = string.sub(KEYS[1], 1, -#'meta' - 1)
local input = cjson.decode(ARGV[3])

local function name(kind, ...)
  local text = base .. kind
  for _, part in ipairs({...}) do text = text .. ':' .. #part .. ':' .. part end
  return text
end

local function isThere(key, accountId)
  local owner = redis.call('HGET', key, 'accountId')
  return owner and (not accountId or owner == accountId)
end
`

/** The store's schema may have been brought up to date while this process ran, or all may be gone. */
const KNOWN_SCHEMA = `
local schema = redis.call('HGET', KEYS[1], 'schema')
if schema ~= '${SCHEMA}' then return redis.error_reply('SCHEMA the store has schema version ' .. (schema or 'none')) end
`

/** A replica answers from the past: there even a write that changes nothing is refused. */
const NO_REPLICA = `
local probe = redis.pcall('PERSIST', KEYS[1])
if type(probe) == 'table' and string.find(probe.err, 'READONLY', 1, true) then return probe end
`

/** What a process has given up must not happen later, when it has been decided otherwise. */
const IN_TIME = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
if now > tonumber(ARGV[2]) then return redis.error_reply('LATE the change comes too late') end
`

const AUDITED = `
local function record(about)
  local fields = {unpack(input.audit)}
  for _, kind in ipairs({'service', 'keyId', 'accountId'}) do
    if about[kind] then
      fields[#fields + 1] = kind
      fields[#fields + 1] = about[kind]
    end
  end
  local place = redis.call('XADD', base .. 'audit', '*', unpack(fields))
  for kind, text in pairs(about) do redis.call('XADD', name('audit-of-' .. kind, text), place, '', '') end
end

local function recordKey(key)
  local about = redis.call('HMGET', key, 'service', 'id', 'accountId')
  record({service = about[1], keyId = about[2], accountId = about[3]})
end

-- Strings alone: cjson writes them as JSON does.
local function announce(...)
  redis.call('SPUBLISH', base .. 'changes', cjson.encode({...}))
end

local function seal(service, secret)
  local master = redis.call('HGET', secret, 'masterKeyId')
  if not master then return end
  redis.call('ZADD', name('sealed', service, master), 0, secret)
  redis.call('SADD', name('masters', service), master)
end

local function unseal(service, secret)
  local master = redis.call('HGET', secret, 'masterKeyId')
  if not master then return end
  redis.call('ZREM', name('sealed', service, master), secret)
  if redis.call('EXISTS', name('sealed', service, master)) == 0 then redis.call('SREM', name('masters', service), master) end
end

local function addSecret(service, id, secret, fields)
  redis.call('HSET', secret, 'service', service, 'keyId', id, unpack(fields))
  redis.call('RPUSH', name('secrets', service, id), secret)
  seal(service, secret)
end
`

/** Asks for something. The body is that of a function. */
export function reading(body: string): Script {
  return scriptOf(`${BEGINNING}${NO_REPLICA}${KNOWN_SCHEMA}`, body)
}

/** Changes what there is, also where memory is full: a revocation must not wait for that. */
export function changing(body: string): Script {
  return scriptOf(`#!lua flags=allow-oom\n${BEGINNING}${IN_TIME}${KNOWN_SCHEMA}${AUDITED}`, body)
}

/** Adds something. Where memory is full the server refuses it before it begins. */
export function adding(body: string): Script {
  return scriptOf(`#!lua\n${BEGINNING}${IN_TIME}${KNOWN_SCHEMA}${AUDITED}`, body)
}

/** Before it is known which schema there is. */
export function opening(body: string): Script {
  return scriptOf(`#!lua\n${BEGINNING}${IN_TIME}`, body)
}

function scriptOf(beginning: string, body: string): Script {
  const lua = `${beginning}\nlocal function run()${body}end\nreturn {ARGV[1], run()}\n`
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}
