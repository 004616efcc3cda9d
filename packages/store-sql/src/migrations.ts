import type { Engine } from './connection.ts'

export interface Migration {
  /** From 1, each higher than the one before. */
  readonly version: number
  /** In order. They run in one transaction. */
  readonly statements: readonly string[]
}

/** What an engine calls it. */
interface Words {
  readonly integer: string
  /** Compared byte by byte: an index must not depend on how a system sorts words, which changes with its updates. */
  readonly text: string
  readonly counter: string
  /** That the column `digest` holds one: another text would never be found. */
  readonly isDigest: string
  /** After a table: SQLite keeps to the types only when it is told. */
  readonly strict: string
}

const WORDS: Readonly<Record<Engine, Words>> = {
  postgres: {
    integer: 'bigint',
    text: 'text collate "C"',
    counter: 'bigint generated always as identity primary key',
    isDigest: "digest ~ '^[0-9a-f]{64}$'",
    strict: '',
  },
  sqlite: {
    integer: 'integer',
    text: 'text',
    counter: 'integer primary key autoincrement',
    isDigest: "length(digest) = 64 and digest not glob '*[^0-9a-f]*'",
    strict: ' strict',
  },
}

/** All migrations of an engine, the oldest first. They are only ever added to. */
export function migrationsFor(engine: Engine): readonly Migration[] {
  return [
    { version: 1, statements: [...tables(WORDS[engine]), ...ANNOUNCEMENTS[engine]] },
    { version: 2, statements: [settingsTable(WORDS[engine]), ...SINCE_2[engine]] },
    { version: 3, statements: [...countingTables(WORDS[engine]), ...SINCE_3[engine]] },
    { version: 4, statements: [...usageTables(WORDS[engine]), ...SINCE_4[engine]] },
  ]
}

/** Keeps which migrations were applied. */
export function schemaTable(engine: Engine): string {
  const { integer, strict } = WORDS[engine]
  return `create table if not exists latchkey_schema (version ${integer} primary key, applied_at ${integer} not null)${strict}`
}

function tables({ integer, text, counter, isDigest, strict }: Words): readonly string[] {
  return [
    `create table latchkey_accounts (
  number ${counter},
  id ${text} not null unique,
  plan ${text} not null,
  status ${text} not null check (status in ('active', 'suspended')),
  email ${text},
  metadata ${text} not null,
  schema ${integer} not null
)${strict}`,
    `create table latchkey_keys (
  service ${text} not null,
  id ${text} not null,
  kind ${text} not null check (kind in ('key', 'signing')),
  account_id ${text} not null,
  name ${text} not null,
  environment ${text},
  permissions ${text} not null,
  created_at ${integer} not null,
  expires_at ${integer},
  revoked_at ${integer},
  revoked_reason ${text},
  metadata ${text} not null,
  only_of ${text},
  idempotency_key ${text},
  revision ${text} not null,
  schema ${integer} not null,
  primary key (service, id),
  unique (service, only_of),
  unique (service, account_id, idempotency_key)
)${strict}`,
    'create index latchkey_keys_by_age on latchkey_keys (service, created_at, id)',
    'create index latchkey_keys_of_account on latchkey_keys (service, account_id, created_at, id)',
    `create table latchkey_key_secrets (
  service ${text} not null,
  digest ${text} not null check (${isDigest}),
  key_id ${text} not null,
  number ${integer} not null,
  display ${text} not null,
  created_at ${integer} not null,
  expires_at ${integer},
  primary key (service, digest)
)${strict}`,
    'create unique index latchkey_key_secrets_of_key on latchkey_key_secrets (service, key_id, number)',
    `create table latchkey_signing_secrets (
  service ${text} not null,
  key_id ${text} not null,
  version ${text} not null,
  number ${integer} not null,
  sealed ${text} not null,
  master_key_id ${text} not null,
  created_at ${integer} not null,
  expires_at ${integer},
  primary key (service, key_id, version)
)${strict}`,
    'create index latchkey_signing_secrets_by_master_key on latchkey_signing_secrets (service, master_key_id)',
    `create table latchkey_uses (
  service ${text} not null,
  key_id ${text} not null,
  last_used_at ${integer} not null,
  primary key (service, key_id)
)${strict}`,
    `create table latchkey_audit (
  id ${counter},
  at ${integer} not null,
  actor ${text} not null,
  action ${text} not null,
  service ${text},
  key_id ${text},
  account_id ${text},
  details ${text} not null
)${strict}`,
    'create index latchkey_audit_of_key on latchkey_audit (service, key_id, id)',
    'create index latchkey_audit_of_account on latchkey_audit (account_id, id)',
  ]
}

/** What has to be known elsewhere when it changes, and what names it. Uses and audit records do not. */
const ANNOUNCED = [
  { table: 'latchkey_keys', kind: 'key', service: 'service', id: 'id' },
  { table: 'latchkey_key_secrets', kind: 'key', service: 'service', id: 'key_id' },
  { table: 'latchkey_signing_secrets', kind: 'key', service: 'service', id: 'key_id' },
  { table: 'latchkey_accounts', kind: 'account', service: 'null', id: 'id' },
] as const

const EVENTS = ['insert', 'update', 'delete'] as const

/** Triggers, so that what is changed with plain SQL is announced too. */
const ANNOUNCEMENTS: Readonly<Record<Engine, readonly string[]>> = {
  // `["key", service, id]`, `["account", null, id]` or, after a truncate, `["all", null, null]` as JSON.
  postgres: [
    `create function latchkey_announce() returns trigger language plpgsql as $$
begin
  if tg_op in ('UPDATE', 'DELETE') then
    perform pg_notify('latchkey', json_build_array(tg_argv[0], to_jsonb(old) ->> 'service', to_jsonb(old) ->> tg_argv[1])::text);
  end if;
  if tg_op in ('INSERT', 'UPDATE') then
    perform pg_notify('latchkey', json_build_array(tg_argv[0], to_jsonb(new) ->> 'service', to_jsonb(new) ->> tg_argv[1])::text);
  end if;
  return null;
end $$`,
    `create function latchkey_announce_all() returns trigger language plpgsql as $$
begin
  perform pg_notify('latchkey', '["all", null, null]');
  return null;
end $$`,
    ...ANNOUNCED.flatMap(({ table, kind, id }) => [
      `create trigger latchkey_announce after insert or update or delete on ${table}
for each row execute function latchkey_announce('${kind}', '${id}')`,
      `create trigger latchkey_announce_all after truncate on ${table}
for each statement execute function latchkey_announce_all()`,
    ]),
  ],
  // A log, read from the last sequence that was seen. Who is behind by more than it holds finds a gap, and knows nothing.
  sqlite: [
    `create table latchkey_changes (
  sequence integer primary key autoincrement,
  kind text not null,
  service text,
  id text not null
) strict`,
    `create trigger latchkey_changes_limit after insert on latchkey_changes begin
  delete from latchkey_changes where sequence <= new.sequence - 10000;
end`,
    ...ANNOUNCED.flatMap(({ table, kind, service, id }) =>
      EVENTS.map((event) => {
        const named = (row: 'old' | 'new') => `${service === 'null' ? 'null' : `${row}.${service}`}, ${row}.${id}`
        const log = (row: 'old' | 'new', where = '') =>
          `  insert into latchkey_changes (kind, service, id) select '${kind}', ${named(row)}${where};`
        const renamed = ` where (${named('old')}) is not (${named('new')})`
        const logs = { insert: [log('new')], update: [log('old', renamed), log('new')], delete: [log('old')] }[event]
        return `create trigger ${table}_${event} after ${event} on ${table} begin\n${logs.join('\n')}\nend`
      }),
    ),
  ],
}

/** What all processes on the database must agree on. */
function settingsTable({ text, strict }: Words): string {
  return `create table latchkey_settings (name ${text} primary key, value ${text} not null)${strict}`
}

/** As before, but plain SQL may write names that are longer than a notification may be: then that change would fail. */
const BOUNDED_ANNOUNCEMENT = `create or replace function latchkey_announce() returns trigger language plpgsql as $$
declare
  changed jsonb;
  payload text;
begin
  foreach changed in array array[to_jsonb(old), to_jsonb(new)] loop
    continue when changed is null;
    payload := json_build_array(tg_argv[0], changed ->> 'service', changed ->> tg_argv[1])::text;
    if octet_length(payload) > 7999 then
      payload := '["all", null, null]';
    end if;
    perform pg_notify('latchkey', payload);
  end loop;
  return null;
end $$`

/** Triggers, so that nothing of a key that is deleted with plain SQL belongs to a later one with its id. */
const SINCE_2: Readonly<Record<Engine, readonly string[]>> = {
  // In the schema of the table, whatever path the session has.
  postgres: [
    `create function latchkey_delete() returns trigger language plpgsql as $$
declare
  belonging text;
begin
  foreach belonging in array array['latchkey_key_secrets', 'latchkey_signing_secrets', 'latchkey_uses'] loop
    execute format('delete from %I.%I where service = $1 and key_id = $2', tg_table_schema, belonging)
      using old.service, old.id;
  end loop;
  return null;
end $$`,
    `create trigger latchkey_delete after delete on latchkey_keys
for each row execute function latchkey_delete()`,
    BOUNDED_ANNOUNCEMENT,
  ],
  sqlite: [
    `create trigger latchkey_keys_deleted after delete on latchkey_keys begin
  delete from latchkey_key_secrets where service = old.service and key_id = old.id;
  delete from latchkey_signing_secrets where service = old.service and key_id = old.id;
  delete from latchkey_uses where service = old.service and key_id = old.id;
end`,
  ],
}

/** What requests have used up: windows and slots, see `counts.ts`, and balances. Nobody has to hear of it. */
function countingTables({ integer, text, strict }: Words): readonly string[] {
  return [
    `create table latchkey_counts (
  id ${text} primary key,
  runs ${text} not null,
  ends_at ${integer} not null
)${strict}`,
    `create table latchkey_balances (
  id ${text} primary key,
  start_at ${integer} not null,
  used ${integer} not null,
  own_limit ${integer}
)${strict}`,
  ]
}

/** The clocks of processes differ: on a server, they count by its own. In SQLite they are on one machine. */
const SINCE_3: Readonly<Record<Engine, readonly string[]>> = {
  postgres: [
    `create function latchkey_now() returns bigint language sql volatile as $$
select cast(floor(extract(epoch from clock_timestamp()) * 1000) as bigint)
$$`,
  ],
  sqlite: [],
}

/** What is counted of a key's uses; of those before, the last one is the first that is known. */
function usageTables({ integer, text, strict }: Words): readonly string[] {
  return [
    `alter table latchkey_uses add column first_used_at ${integer}`,
    'update latchkey_uses set first_used_at = last_used_at',
    `create table latchkey_usage (
  service ${text} not null,
  key_id ${text} not null,
  day ${integer} not null,
  route ${text} not null,
  status ${integer} not null,
  requests ${integer} not null,
  primary key (service, key_id, day, route, status)
)${strict}`,
  ]
}

const SINCE_4: Readonly<Record<Engine, readonly string[]>> = {
  postgres: [
    `create function latchkey_delete_usage() returns trigger language plpgsql as $$
begin
  execute format('delete from %I.latchkey_usage where service = $1 and key_id = $2', tg_table_schema)
    using old.service, old.id;
  return null;
end $$`,
    `create trigger latchkey_delete_usage after delete on latchkey_keys
for each row execute function latchkey_delete_usage()`,
  ],
  sqlite: [
    `create trigger latchkey_usage_deleted after delete on latchkey_keys begin
  delete from latchkey_usage where service = old.service and key_id = old.id;
end`,
  ],
}
