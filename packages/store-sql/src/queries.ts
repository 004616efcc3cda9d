import type {
  Account,
  AccountChange,
  AuditEntry,
  AuditQuery,
  AuditRecord,
  Change,
  InsertOptions,
  KeyChange,
  KeyQuery,
  KeyRecord,
  KeyRef,
  KeyUse,
  PageQuery,
  Records,
  Secret,
  SigningSecret,
  UsageQuery,
} from '@latchkey/core'
import { type Expression, type ExpressionBuilder, type SelectQueryBuilder, type SqlBool, sql } from 'kysely'
import type { Engine, Query } from './connection.ts'
import { SCHEMA } from './rows.ts'
import type { Builder, Tables } from './tables.ts'

/*
 * The statements, each a function of its values. A change is told by its `revision`: a statement that follows it in the
 * same transaction asks for the row that has this revision, and does nothing where the change was not made.
 */

const KEY_COLUMNS = [
  'latchkey_keys.id',
  'latchkey_keys.service',
  'latchkey_keys.kind',
  'latchkey_keys.account_id',
  'latchkey_keys.name',
  'latchkey_keys.environment',
  'latchkey_keys.permissions',
  'latchkey_keys.created_at',
  'latchkey_keys.expires_at',
  'latchkey_keys.revoked_at',
  'latchkey_keys.revoked_reason',
  'latchkey_keys.metadata',
  'latchkey_keys.schema',
] as const

const OWNER_COLUMNS = [
  'a.id as owner_id',
  'a.plan',
  'a.status',
  'a.email',
  'a.metadata as owner_metadata',
  'a.schema as owner_schema',
] as const

/** Where a list goes on. */
export interface Cursor {
  readonly at: number
  readonly id: string
}

/** What verification asks for. Written once: they run for each request. */
export function readQueries(db: Builder): Readonly<Record<'byDigest' | 'signingKey' | 'account', string>> {
  return {
    byDigest: db
      .selectFrom('latchkey_key_secrets as s')
      .innerJoin('latchkey_keys', (on) =>
        on.onRef('latchkey_keys.service', '=', 's.service').onRef('latchkey_keys.id', '=', 's.key_id'),
      )
      .leftJoin('latchkey_accounts as a', 'a.id', 'latchkey_keys.account_id')
      .select(KEY_COLUMNS)
      .select(OWNER_COLUMNS)
      .select(['s.digest', 's.display', 's.created_at as secret_created_at', 's.expires_at as secret_expires_at'])
      .where('s.service', '=', '')
      .where('s.digest', '=', '')
      .compile().sql,
    signingKey: db
      .selectFrom('latchkey_signing_secrets as s')
      .innerJoin('latchkey_keys', (on) =>
        on.onRef('latchkey_keys.service', '=', 's.service').onRef('latchkey_keys.id', '=', 's.key_id'),
      )
      .leftJoin('latchkey_accounts as a', 'a.id', 'latchkey_keys.account_id')
      .select(KEY_COLUMNS)
      .select(OWNER_COLUMNS)
      .select(['s.version', 's.sealed', 's.master_key_id'])
      .select(['s.created_at as secret_created_at', 's.expires_at as secret_expires_at'])
      .where('s.service', '=', '')
      .where('s.key_id', '=', '')
      .orderBy('s.number')
      .compile().sql,
    account: db.selectFrom('latchkey_accounts').selectAll().where('id', '=', '').compile().sql,
  }
}

/** The keys of a page, or the one key, with a row for each secret. */
function details(db: Builder, page: SelectQueryBuilder<Tables, 'latchkey_keys', Tables['latchkey_keys']>): Query {
  return db
    .selectFrom(page.as('latchkey_keys'))
    .leftJoin('latchkey_key_secrets as s', (on) =>
      on.onRef('s.service', '=', 'latchkey_keys.service').onRef('s.key_id', '=', 'latchkey_keys.id'),
    )
    .leftJoin('latchkey_signing_secrets as g', (on) =>
      on.onRef('g.service', '=', 'latchkey_keys.service').onRef('g.key_id', '=', 'latchkey_keys.id'),
    )
    .leftJoin('latchkey_uses as u', (on) =>
      on.onRef('u.service', '=', 'latchkey_keys.service').onRef('u.key_id', '=', 'latchkey_keys.id'),
    )
    .select(KEY_COLUMNS)
    .select(['s.display', 'u.first_used_at', 'u.last_used_at'])
    .select(({ fn }) => [
      fn.coalesce('s.number', 'g.number').as('number'),
      fn.coalesce('s.created_at', 'g.created_at').as('secret_created_at'),
      fn.coalesce('s.expires_at', 'g.expires_at').as('secret_expires_at'),
    ])
    .orderBy('latchkey_keys.created_at')
    .orderBy('latchkey_keys.id')
    .orderBy('s.number')
    .orderBy('g.number')
    .compile()
}

export function keyDetails(db: Builder, ref: KeyRef): Query {
  return details(db, db.selectFrom('latchkey_keys').selectAll().where(isRef(ref)))
}

export function keyPage(db: Builder, { service, accountId, limit }: KeyQuery, after: Cursor | undefined): Query {
  return details(
    db,
    db
      .selectFrom('latchkey_keys')
      .selectAll()
      .where('service', '=', service)
      .$if(accountId !== undefined, (keys) => keys.where('account_id', '=', accountId ?? ''))
      .$if(after !== undefined, (keys) =>
        keys.where(({ eb, refTuple, tuple }) =>
          eb(refTuple('created_at', 'id'), '>', tuple(after?.at ?? 0, after?.id ?? '')),
        ),
      )
      .orderBy('created_at')
      .orderBy('id')
      .limit(limit),
  )
}

export function keyByRef(db: Builder, ref: KeyRef): Query {
  return db.selectFrom('latchkey_keys').select(KEY_COLUMNS).where(isRef(ref)).compile()
}

/** The key, where the change was made. */
export function keyByRevision(db: Builder, ref: KeyRef, revision: string): Query {
  return db.selectFrom('latchkey_keys').select(KEY_COLUMNS).where(isRevision(ref, revision)).compile()
}

/** The key that a call with this idempotency key has made. */
export function keyOfCall(db: Builder, { service, accountId }: KeyRecord, idempotencyKey: string): Query {
  return db
    .selectFrom('latchkey_keys')
    .select(KEY_COLUMNS)
    .where('service', '=', service)
    .where('account_id', '=', accountId)
    .where('idempotency_key', '=', idempotencyKey)
    .compile()
}

/** The oldest key of the account that the key is for. */
export function firstKey(db: Builder, { service, accountId }: KeyRecord): Query {
  return db
    .selectFrom('latchkey_keys')
    .select(KEY_COLUMNS)
    .where('service', '=', service)
    .where('account_id', '=', accountId)
    .orderBy('created_at')
    .orderBy('id')
    .limit(1)
    .compile()
}

/** Asks for each of these ids and digests whether it is another's already: then there is a row. */
export function taken(db: Builder, { accounts, keys }: Records): readonly Query[] {
  const accountBy = (id: string) => db.selectFrom('latchkey_accounts').select('id').where('id', '=', id)
  const keyBy = ({ service, id }: KeyRecord) =>
    db.selectFrom('latchkey_keys').select('id').where('service', '=', service).where('id', '=', id)
  const secretBy = (service: string, digest: string) =>
    db.selectFrom('latchkey_key_secrets').select('key_id').where('service', '=', service).where('digest', '=', digest)
  return [
    ...accounts.map(({ id }) => accountBy(id).compile()),
    ...keys.map(({ key }) => keyBy(key).compile()),
    ...keys.flatMap(({ key, secrets }) =>
      secrets.flatMap((secret) => (secret.kind === 'key' ? [secretBy(key.service, secret.digest).compile()] : [])),
    ),
  ]
}

export function insertKey(
  db: Builder,
  key: KeyRecord,
  kind: Secret['kind'],
  { onlyFirst = false, idempotencyKey }: InsertOptions,
  revision: string,
): Query {
  const row = {
    service: key.service,
    id: key.id,
    kind,
    account_id: key.accountId,
    name: key.name,
    environment: key.environment,
    permissions: JSON.stringify(key.permissions),
    created_at: key.createdAt,
    expires_at: key.expiresAt,
    revoked_at: key.revokedAt,
    revoked_reason: key.revokedReason,
    metadata: JSON.stringify(key.metadata),
    only_of: onlyFirst ? key.accountId : null,
    idempotency_key: idempotencyKey ?? null,
    revision,
    schema: SCHEMA,
  }
  if (!onlyFirst) return db.insertInto('latchkey_keys').values(row).compile()
  const others = db
    .selectFrom('latchkey_keys')
    .select('id')
    .where('service', '=', key.service)
    .where('account_id', '=', key.accountId)
  return db
    .insertInto('latchkey_keys')
    .columns(columnsOf(row))
    .expression(db.selectNoFrom((eb) => typed(eb, row)).where(({ not, exists }) => not(exists(others))))
    .compile()
}

/** Gives a secret to the key that was changed or inserted just before. */
export function insertSecret(db: Builder, ref: KeyRef, secret: Secret, revision: string): Query {
  const { service, id } = ref
  const common = { created_at: secret.createdAt, expires_at: secret.expiresAt }
  const from = db.selectFrom('latchkey_keys').where(isRevision(ref, revision))
  if (secret.kind === 'signing') {
    const { version, sealed, masterKeyId } = secret
    const row = { service, key_id: id, version, sealed, master_key_id: masterKeyId, ...common }
    return db
      .insertInto('latchkey_signing_secrets')
      .columns([...columnsOf(row), 'number'])
      .expression(
        from.select((eb) => [...typed(eb, row), nextNumber(db, 'latchkey_signing_secrets', ref).as('number')]),
      )
      .compile()
  }
  const row = { service, digest: secret.digest, key_id: id, display: secret.display, ...common }
  return db
    .insertInto('latchkey_key_secrets')
    .columns([...columnsOf(row), 'number'])
    .expression(from.select((eb) => [...typed(eb, row), nextNumber(db, 'latchkey_key_secrets', ref).as('number')]))
    .compile()
}

function nextNumber(db: Builder, table: 'latchkey_key_secrets' | 'latchkey_signing_secrets', { service, id }: KeyRef) {
  return db
    .selectFrom(table)
    .select(({ fn }) => sql<number>`${fn.coalesce(fn.max('number'), sql<number>`0`)} + 1`.as('next'))
    .where('service', '=', service)
    .where('key_id', '=', id)
}

/** Ends the earlier secrets of the key that was changed just before. */
export function endSecrets(db: Builder, ref: KeyRef, at: number, revision: string): readonly Query[] {
  return (['latchkey_key_secrets', 'latchkey_signing_secrets'] as const).map((table) =>
    db
      .updateTable(table)
      .set({ expires_at: at })
      .where('service', '=', ref.service)
      .where('key_id', '=', ref.id)
      .where(({ or, eb }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', at)]))
      .where(({ exists }) => exists(db.selectFrom('latchkey_keys').select('id').where(isRevision(ref, revision))))
      .compile(),
  )
}

/** Marks a key as about to be changed. In Postgres this is what other changes of the same key wait for. */
export function touchKey(db: Builder, ref: KeyRef, revision: string): Query {
  return db.updateTable('latchkey_keys').set({ revision }).where(isRef(ref)).compile()
}

export function touchLiveKey(db: Builder, ref: KeyRef, kind: Secret['kind'], revision: string): Query {
  return db
    .updateTable('latchkey_keys')
    .set({ revision })
    .where(isRef(ref))
    .where('kind', '=', kind)
    .where('revoked_at', 'is', null)
    .compile()
}

export function revokeKey(db: Builder, ref: KeyRef, at: number, reason: string | null, revision: string): Query {
  return db
    .updateTable('latchkey_keys')
    .set({ revoked_at: at, revoked_reason: reason, revision })
    .where(isRef(ref))
    .where('revoked_at', 'is', null)
    .compile()
}

export function changeKey(db: Builder, ref: KeyRef, change: KeyChange, revision: string): Query {
  const { name, environment, permissions, expiresAt, metadata } = change
  return db
    .updateTable('latchkey_keys')
    .set({
      revision,
      ...(name !== undefined && { name }),
      ...(environment !== undefined && { environment }),
      ...(permissions !== undefined && { permissions: JSON.stringify(permissions) }),
      ...(expiresAt !== undefined && { expires_at: expiresAt }),
      ...(metadata !== undefined && { metadata: JSON.stringify(metadata) }),
    })
    .where(isRef(ref))
    .compile()
}

/** Removes the key that was touched just before, and says which it was. A trigger removes what belongs to it. */
export function deleteKey(db: Builder, ref: KeyRef, revision: string): Query {
  return db.deleteFrom('latchkey_keys').where(isRevision(ref, revision)).returning('id').compile()
}

export function sealedOtherwise(db: Builder, service: string, otherThan: string, limit: number): Query {
  return db
    .selectFrom('latchkey_signing_secrets')
    .select(['key_id as id', 'version', 'sealed', 'master_key_id'])
    .select(['created_at as secret_created_at', 'expires_at as secret_expires_at'])
    .where('service', '=', service)
    .where('master_key_id', '!=', otherThan)
    .orderBy('key_id')
    .orderBy('number')
    .limit(limit)
    .compile()
}

/** Only where the old seal is still there. The last one says whether it was. */
export function resealSecret(
  db: Builder,
  ref: KeyRef,
  from: SigningSecret,
  to: SigningSecret,
  audit: AuditEntry,
  revision: string,
): readonly Query[] {
  const { version, sealed } = from
  const isOld = (eb: ExpressionBuilder<Tables, 'latchkey_signing_secrets'>) =>
    eb.and({ service: ref.service, key_id: ref.id, version, sealed })
  const old = db.selectFrom('latchkey_signing_secrets').select('key_id').where(isOld)
  const touched = db.selectFrom('latchkey_keys').select('id').where(isRevision(ref, revision))
  return [
    touchKey(db, ref, revision),
    auditKey(db, audit, (eb) => eb.and([isRevision(ref, revision)(eb), eb.exists(old)])),
    db
      .updateTable('latchkey_signing_secrets')
      .set({ sealed: to.sealed, master_key_id: to.masterKeyId })
      .where(isOld)
      .where(({ exists }) => exists(touched))
      .returning('key_id')
      .compile(),
  ]
}

export function accountPage(db: Builder, { limit }: PageQuery, after: number | undefined): Query {
  return db
    .selectFrom('latchkey_accounts')
    .selectAll()
    .$if(after !== undefined, (accounts) => accounts.where('number', '>', after ?? 0))
    .orderBy('number')
    .limit(limit)
    .compile()
}

export function insertAccount(db: Builder, account: Account): Query {
  const { id, plan, status, email, metadata } = account
  return db
    .insertInto('latchkey_accounts')
    .values({ id, plan, status, email, metadata: JSON.stringify(metadata), schema: SCHEMA })
    .compile()
}

export function changeAccount(db: Builder, id: string, change: AccountChange): Query {
  const { plan, status, email, metadata } = change
  return db
    .updateTable('latchkey_accounts')
    .set({
      id,
      ...(plan !== undefined && { plan }),
      ...(status !== undefined && { status }),
      ...(email !== undefined && { email }),
      ...(metadata !== undefined && { metadata: JSON.stringify(metadata) }),
    })
    .where('id', '=', id)
    .compile()
}

/** Records what was done to the key that has this revision. */
export function auditRevision(db: Builder, ref: KeyRef, audit: AuditEntry, revision: string): Query {
  return auditKey(db, audit, isRevision(ref, revision))
}

/** Records what was done to an account that is there. */
export function auditAccount(db: Builder, id: string, audit: AuditEntry): Query {
  const row = { ...auditRow(audit), account_id: id }
  return db
    .insertInto('latchkey_audit')
    .columns(columnsOf(row))
    .expression(
      db
        .selectFrom('latchkey_accounts')
        .select((eb) => typed(eb, row))
        .where('id', '=', id),
    )
    .compile()
}

export function insertAudit(db: Builder, record: AuditRecord): Query {
  const { service, keyId, accountId, ...entry } = record
  const row = { ...auditRow(entry), service, key_id: keyId, account_id: accountId }
  return db.insertInto('latchkey_audit').values(row).compile()
}

export function auditPage(db: Builder, query: AuditQuery, before: number | undefined): Query {
  const { service, keyId, accountId, limit } = query
  return db
    .selectFrom('latchkey_audit')
    .selectAll()
    .$if(service !== undefined, (records) => records.where('service', '=', service ?? ''))
    .$if(keyId !== undefined, (records) => records.where('key_id', '=', keyId ?? ''))
    .$if(accountId !== undefined, (records) => records.where('account_id', '=', accountId ?? ''))
    .$if(before !== undefined, (records) => records.where('id', '<', before ?? 0))
    .orderBy('id', 'desc')
    .limit(limit)
    .compile()
}

/** A JSON list as a table `u`, out of one parameter, and what stands at a place of a list in it. */
const LISTED = {
  postgres: {
    table: 'json_array_elements(cast($1 as json)) as u (use)',
    text: (place: number) => `u.use ->> ${place}`,
    integer: (place: number) => `cast(u.use ->> ${place} as bigint)`,
    texts: 'select json_array_elements_text(cast($1 as json))',
    parameters: ['$2', '$3', '$4'],
  },
  sqlite: {
    table: 'json_each(?) as u',
    text: (place: number) => `json_extract(u.value, '$[${place}]')`,
    integer: (place: number) => `json_extract(u.value, '$[${place}]')`,
    texts: 'select value from json_each(?)',
    parameters: ['?', '?', '?'],
  },
} as const

/**
 * Two statements, however many they are. In order of the keys, so that two processes that count the same ones do not wait
 * for each other in a circle.
 */
export function recordUses(engine: Engine, uses: readonly KeyUse[]): readonly Query[] {
  const { table, text, integer } = LISTED[engine]
  const [service, key, route] = [text(0), text(1), text(2)]
  const [status, day, count, first, last] = [integer(3), integer(4), integer(5), integer(6), integer(7)]
  const keys = `${table} join latchkey_keys as k on k.service = ${service} and k.id = ${key}`
  const rows = uses.map((use) => {
    const { keyId, firstAt, lastAt } = use
    return [use.service, keyId, use.route, use.status, use.day, use.count, firstAt, lastAt]
  })
  const parameters = [JSON.stringify(rows)]
  return [
    {
      sql: `insert into latchkey_uses (service, key_id, first_used_at, last_used_at)
select k.service, k.id, min(${first}), max(${last}) from ${keys}
group by k.service, k.id order by k.service, k.id
on conflict (service, key_id) do update set
first_used_at = case when latchkey_uses.first_used_at <= excluded.first_used_at
  then latchkey_uses.first_used_at else excluded.first_used_at end,
last_used_at = case when latchkey_uses.last_used_at >= excluded.last_used_at
  then latchkey_uses.last_used_at else excluded.last_used_at end`,
      parameters,
    },
    {
      sql: `insert into latchkey_usage (service, key_id, day, route, status, requests)
select k.service, k.id, ${day}, ${route}, ${status}, sum(${count}) from ${keys}
group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
on conflict (service, key_id, day, route, status) do update set requests = latchkey_usage.requests + excluded.requests`,
      parameters,
    },
  ]
}

export function usage(engine: Engine, { service, keyIds, from, to }: UsageQuery): Query {
  const { texts, parameters } = LISTED[engine]
  const [ofService, since, until] = parameters
  return {
    sql: `select key_id, day, route, status, requests from latchkey_usage
where key_id in (${texts}) and service = ${ofService} and day >= ${since} and day < ${until}`,
    parameters: [JSON.stringify(keyIds), service, from, to],
  }
}

/** Tells of a change that was made elsewhere: in SQLite whoever listens reads the log. */
export function insertChange(db: Builder, change: Change): Query {
  const row = {
    kind: change.kind,
    service: change.kind === 'key' ? change.service : null,
    id: change.kind === 'all' ? '' : change.id,
  }
  return db.insertInto('latchkey_changes').values(row).compile()
}

type KeyCondition = (eb: ExpressionBuilder<Tables, 'latchkey_keys'>) => Expression<SqlBool>

function auditKey(db: Builder, audit: AuditEntry, where: KeyCondition): Query {
  const row = auditRow(audit)
  return db
    .insertInto('latchkey_audit')
    .columns([...columnsOf(row), 'service', 'key_id', 'account_id'])
    .expression(
      db
        .selectFrom('latchkey_keys')
        .select((eb) => typed(eb, row))
        .select(['service', 'id', 'account_id'])
        .where(where),
    )
    .compile()
}

function auditRow({ at, by, action, details }: AuditEntry) {
  return { at, actor: by, action, details: JSON.stringify(details) }
}

function isRef({ service, id, accountId }: KeyRef): KeyCondition {
  return (eb) => eb.and({ service, id, ...(accountId !== undefined && { account_id: accountId }) })
}

function isRevision({ service, id }: KeyRef, revision: string): KeyCondition {
  return (eb) => eb.and({ service, id, revision })
}

function columnsOf<Row extends object>(row: Row): (keyof Row)[] {
  return Object.keys(row) as (keyof Row)[]
}

const INTEGERS: ReadonlySet<string> = new Set(['at', 'created_at', 'expires_at', 'revoked_at', 'schema'])

/** A row as the result of a select, where Postgres takes every parameter for text unless it is told. */
function typed<Table extends keyof Tables>(
  eb: ExpressionBuilder<Tables, Table>,
  row: Readonly<Record<string, string | number | null>>,
) {
  return Object.entries(row).map(([column, value]) =>
    eb.cast<string>(eb.val(value), INTEGERS.has(column) ? 'bigint' : 'text').as(column),
  )
}
