// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of sources.
import type { Mutant } from '../mutant.ts'
import { of, sql, stores } from '../rows.ts'

export const SQL: readonly Mutant[] = [
  ...of(sql('queries'), stores('sqlite'), [
    [
      'a digest is its service’s',
      "latchkey_key_secrets as s')\n      .innerJoin('latchkey_keys', (on) =>\n        on.onRef('latchkey_keys.service', '=', 's.service')",
      "latchkey_key_secrets as s')\n      .innerJoin('latchkey_keys', (on) =>\n        on",
    ],
    [
      'a signing secret is its service’s',
      "latchkey_signing_secrets as s')\n      .innerJoin('latchkey_keys', (on) =>\n        on.onRef('latchkey_keys.service', '=', 's.service')",
      "latchkey_signing_secrets as s')\n      .innerJoin('latchkey_keys', (on) =>\n        on",
    ],
    ['a key is its service’s', 'eb.and({ service, id, ...(accountId', 'eb.and({ id, ...(accountId'],
    ['a key is its account’s', ', ...(accountId !== undefined && { account_id: accountId })', ''],
    ['what follows a change asks for it', 'eb.and({ service, id, revision })', 'eb.and({ service, id })'],
    [
      'a list is one account’s',
      ".$if(accountId !== undefined, (keys) => keys.where('account_id', '=', accountId ?? ''))",
      '',
    ],
    [
      'an idempotency key is one account’s',
      ".where('account_id', '=', accountId)\n    .where('idempotency_key'",
      ".where('idempotency_key'",
    ],
    ['an idempotency key is kept', 'idempotency_key: idempotencyKey ?? null', 'idempotency_key: null'],
    ['an only key is the first one', '.where(({ not, exists }) => not(exists(others)))', ''],
    [
      'only a key of the same kind is rotated',
      ".where('kind', '=', kind)\n    .where('revoked_at', 'is', null)",
      ".where('revoked_at', 'is', null)",
    ],
    [
      'a revoked key is not rotated',
      ".where('kind', '=', kind)\n    .where('revoked_at', 'is', null)",
      ".where('kind', '=', kind)",
    ],
    [
      'a revocation is not replaced',
      ".set({ revoked_at: at, revoked_reason: reason, revision })\n    .where(isRef(ref))\n    .where('revoked_at', 'is', null)",
      '.set({ revoked_at: at, revoked_reason: reason, revision })\n    .where(isRef(ref))',
    ],
    [
      'a rotation ends what would live longer',
      ".where(({ or, eb }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', at)]))",
      '',
    ],
    [
      'a rotation that is not made ends nothing',
      ".where(({ exists }) => exists(db.selectFrom('latchkey_keys').select('id').where(isRevision(ref, revision))))",
      '',
    ],
    ['only the seal that was read is replaced', 'key_id: ref.id, version, sealed })', 'key_id: ref.id, version })'],
    [
      'only a new seal is recorded',
      'eb.and([isRevision(ref, revision)(eb), eb.exists(old)])',
      'isRevision(ref, revision)(eb)',
    ],
    [
      'only one’s own secret is sealed anew',
      '.where(isOld)\n      .where(({ exists }) => exists(touched))',
      '.where(isOld)',
    ],
    [
      'sealed secrets are one service’s',
      ".where('service', '=', service)\n    .where('master_key_id', '!=', otherThan)",
      ".where('master_key_id', '!=', otherThan)",
    ],
    ['a later use stays', 'latchkey_uses.last_used_at >= excluded.last_used_at', 'false'],
    ['an earlier use stays', 'latchkey_uses.first_used_at <= excluded.first_used_at', 'false'],
    ['counts are added up', 'latchkey_usage.requests + excluded.requests', 'excluded.requests'],
    ['usage is one service’s', 'service = ${ofService} and ', '${ofService} is not null and '],
    [
      'an audit is one service’s',
      ".$if(service !== undefined, (records) => records.where('service', '=', service ?? ''))",
      '',
    ],
    ['an audit is one key’s', ".$if(keyId !== undefined, (records) => records.where('key_id', '=', keyId ?? ''))", ''],
    [
      'an audit is one account’s',
      ".$if(accountId !== undefined, (records) => records.where('account_id', '=', accountId ?? ''))",
      '',
    ],
  ]),
  ...of(sql('queries'), stores('postgres-connections', 'postgres'), [
    ['of parallel calls one makes the only key', 'only_of: onlyFirst ? key.accountId : null', 'only_of: null'],
    [
      'one change of a key waits for the other before it looks',
      'touchKey(db, ref, revision),\n    auditKey(db, audit, (eb) => eb.and([isRevision(ref, revision)(eb), eb.exists(old)])),',
      'auditKey(db, audit, (eb) => eb.and([isRef(ref)(eb), eb.exists(old)])),\n    touchKey(db, ref, revision),',
    ],
  ]),
  ...of(sql('sql-store'), stores('sqlite', 'postgres-connections'), [
    [
      'a place in a list of keys is one',
      'if (at === undefined || id === undefined || ',
      'if (at === undefined || id === undefined) return undefined\n  if (',
    ],
    ['a place in another list is one', 'if (!/^\\d{1,15}$/.test(after)) throw noCursor()', ''],
    [
      'an insert tells its own row',
      'const inserted = queries.keyByRevision(db, key, revision)',
      'const inserted = queries.keyByRef(db, key)',
    ],
    [
      'a commit whose answer was lost is known',
      "if ((await connection.read(inserted)).length > 0) return { kind: 'inserted' }",
      '',
    ],
    ['a set has nothing twice', 'if (asked.size < questions.length) return true', ''],
    [
      'a secret of another kind is refused',
      'if (found !== undefined && found.kind !== secret.kind) throw',
      'if (false) throw',
    ],
  ]),
  ...of(
    sql('rows'),
    ['packages/store-sql/src/rows.test.ts'],
    [
      [
        'a key of a newer schema is refused',
        "checkSchema(row.schema, what)\n  return {\n    id: text(row.id, what, 'id'),\n    service",
        "return {\n    id: text(row.id, what, 'id'),\n    service",
      ],
      [
        'an account of a newer schema is refused',
        "checkSchema(row.schema, what)\n  return {\n    id: text(row.id, what, 'id'),\n    plan",
        "return {\n    id: text(row.id, what, 'id'),\n    plan",
      ],
      ['the schema is compared', 'if (Number(schema) !== SCHEMA)', 'if (Number(schema) > SCHEMA)'],
      ['a text is one', "if (typeof value !== 'string') throw damaged(what, column)", ''],
      ['a time is whole', '!Number.isInteger(number) || ', ''],
      ['a time is one that there is', ' || Math.abs(number as number) > LAST_TIME', ''],
      ['digits are digits', '/^-?\\d+$/.test(value)', 'true'],
      ['a choice is one of those that there are', 'if (found === undefined) throw damaged(what, column)', ''],
      ['permissions are a list', '!Array.isArray(list) || ', ''],
      ['permissions are texts', " || !list.every((item) => typeof item === 'string')", ''],
      ['metadata is not null', ' || found === null', ''],
      ['metadata is no list', ' || Array.isArray(found)', ''],
      [
        'damage is told without the value',
        '} catch {\n    throw damaged(what, column)',
        '} catch (error) {\n    throw error',
      ],
    ],
  ),
  ...of(
    sql('failure'),
    ['packages/store-sql/src/failure.test.ts'],
    [
      [
        'an error of a driver is not passed on',
        "return typeof code === 'string' ? Object.assign(plain, { code }) : plain",
        'return error as Error',
      ],
    ],
  ),
  ...of(
    sql('migrate'),
    ['test/stores/migrations.test.ts'],
    [
      ['a newer database is refused', 'if (version > latest) {', 'if (false) {'],
      ['an older database is refused', 'if (version < latest) throw', 'if (false) throw'],
      ['who comes second tries again', 'if (attempt === ATTEMPTS) throw error', 'throw error'],
      ['nothing is created where everything is there', 'if (version === 0) await', 'await'],
    ],
  ),
  ...of(
    sql('migrations'),
    [...stores('sqlite', 'postgres'), 'test/stores/migrations.test.ts', 'test/stores/announcements.test.ts'],
    [
      [
        'SQLite keeps digests alone',
        `isDigest: "length(digest) = 64 and digest not glob '*[^0-9a-f]*'"`,
        "isDigest: 'true'",
      ],
      ['Postgres keeps digests alone', `isDigest: "digest ~ '^[0-9a-f]{64}$'"`, "isDigest: 'true'"],
      ['an account is active or suspended', " check (status in ('active', 'suspended'))", ''],
      ['an index does not depend on a system’s words', `text: 'text collate "C"'`, "text: 'text'"],
      ['SQLite keeps to the types', "strict: ' strict'", "strict: ''"],
    ],
  ),
  ...of(
    sql('migrations'),
    ['test/stores/announcements.test.ts'],
    [
      [
        'the log of changes is bounded',
        'delete from latchkey_changes where sequence <= new.sequence - 10000;',
        'select 1;',
      ],
      ['a sequence is not used again', 'sequence integer primary key autoincrement', 'sequence integer primary key'],
      [
        'a change is announced',
        "const EVENTS = ['insert', 'update', 'delete'] as const",
        "const EVENTS = ['insert', 'delete'] as const",
      ],
      [
        'a deletion is announced',
        "const EVENTS = ['insert', 'update', 'delete'] as const",
        "const EVENTS = ['insert', 'update'] as const",
      ],
      ['both names of what is renamed are logged', "update: [log('old', renamed), log('new')]", "update: [log('new')]"],
      [
        'both names of what is renamed are announced',
        'array[to_jsonb(old), to_jsonb(new)]',
        "array[case tg_op when 'DELETE' then to_jsonb(old) end, to_jsonb(new)]",
      ],
      ['emptied tables are announced', `perform pg_notify('latchkey', '["all", null, null]');`, 'null;'],
      [
        'a new secret is announced',
        "{ table: 'latchkey_key_secrets', kind: 'key', service: 'service', id: 'key_id' },",
        '',
      ],
      [
        'a new seal is announced',
        "{ table: 'latchkey_signing_secrets', kind: 'key', service: 'service', id: 'key_id' },",
        '',
      ],
      ['an account is announced', "{ table: 'latchkey_accounts', kind: 'account', service: 'null', id: 'id' },", ''],
    ],
  ),
  ...of(
    sql('sqlite'),
    [...stores('sqlite'), 'test/stores/migrations.test.ts'],
    [
      ['a file is its owner’s', ', 0o600)', ')'],
      ['a path is no URL', 'resolve(path)', 'path'],
      ['a file is not made by the way', 'if (!inMemory && migrates) makeFile(path)', 'if (!inMemory) makeFile(path)'],
      ['a file is not opened beside SQLite', "openSync(path, 'wx', 0o600)", "openSync(path, 'a', 0o600)"],
      ['a file is one', 'if (!inMemory && !statSync(path).isFile()) throw', 'if (false) throw'],
      ['a change waits for another process’s', 'database.prepare(`pragma busy_timeout = ${timeout}`).all()', ''],
      ['a new file is waited for', 'if (!isBusy || performance.now() >= end) throw error', 'throw error'],
      [
        'a busy file is not waited for for ever',
        'if (!isBusy || performance.now() >= end) throw error',
        'if (!isBusy) throw error',
      ],
      ['what fails is rolled back', "if (database.inTransaction) database.exec('rollback')", ''],
      [
        'what SQLite rolls back is rolled back once',
        "if (database.inTransaction) database.exec('rollback')",
        "database.exec('rollback')",
      ],
      [
        'a refused change leaves no snapshot behind',
        "database.exec('begin immediate')\n      return",
        "statement('begin immediate').all()\n      return",
      ],
      ['a change is a transaction', '      begin(waits)\n', ''],
      ['a closed store is closed', "if (!isOpen) throw new Error('the store is closed')", ''],
      ['a database in memory promises nothing', 'durable: !inMemory,', 'durable: true,'],
      ['nobody waits for a database in memory', 'lease: inMemory ? 0 : lease', 'lease'],
    ],
  ),
  ...of(sql('postgres'), stores('postgres-connections', 'migrations'), [
    ['a closed store of Postgres is closed', "if (!isOpen) throw new Error('the store is closed')", ''],
    ['a store is closed once', 'if (wasOpen) await end?.()', 'await end?.()'],
    ['a full pool is not waited for', 'return within(connecting, timeout, timeout).catch(', 'return connecting.catch('],
    ['a connection that comes late goes back', '(client) => client.release(),', '() => {},'],
    [
      'a statement that hangs is not waited for',
      'await within(work(client), patience, patience - (performance.now() - began))',
      'await work(client)',
    ],
    [
      'a connection on which a statement hangs is not used again',
      'client.release(!(await isUsable(client, error)))',
      'client.release()',
    ],
    [
      'a connection is used again after a refusal',
      'client.release(!(await isUsable(client, error)))',
      'client.release(true)',
    ],
    [
      'a refused transaction is rolled back',
      "return within(client.query({ text: 'rollback' }), timeout, timeout).then(",
      'return Promise.resolve().then(',
    ],
    [
      'a refused change shows no values',
      '      throw plainError(error)\n    } finally',
      '      throw error\n    } finally',
    ],
    [
      'an address that nobody answers at shows nothing',
      'const client = await connect().catch((error) => {\n      throw plainError(error)\n    })',
      'const client = await connect()',
    ],
    ['a change waits for others and does not fail', '`begin isolation level read committed;', '`begin;'],
    ['a change of Postgres is a transaction', 'await client.query({ text: begin })\n', '\n'],
    ['a connection may break while it is used', "client.on('error', ignore)", ''],
    [
      'what a lost process has locked is given back',
      '; set local idle_in_transaction_session_timeout = ${timeout}',
      '',
    ],
  ]),
  ...of(sql('postgres-pool'), stores('postgres-connections'), [
    ['a connection may break while nobody uses it', "pool.on('error', () => {})", ''],
    ['what cannot be read does not end the process', 'socket.destroy(error as Error)', 'throw error'],
    ['a connection that fails before it is ready is closed', 'if (error) this.end(() => {})', ''],
  ]),
  ...of(sql('kysely'), stores('kysely-guest'), [
    ['plugins are not for these tables', 'given.withoutPlugins()', 'given'],
    [
      'a change over Kysely waits for others and does not fail',
      "db.transaction().setIsolationLevel('read committed')",
      'db.transaction()',
    ],
    [
      'a change over Kysely that was given up is not made',
      'if (performance.now() > end) throw noAnswerWithin(patience)',
      '',
    ],
    [
      'what a lost process has locked over Kysely is given back',
      "engine === 'postgres' ? [{ sql: first, parameters: [] }] : []",
      '[]',
    ],
    ['an error over Kysely shows no values', 'throw plainError(error)', 'throw error'],
    ['a closed store of Kysely is closed', "if (!isOpen) throw new Error('the store is closed')", ''],
    ['a store is not made in a transaction', ' || db.isTransaction', ''],
  ]),
  ...of(
    sql('migrations'),
    ['test/stores/feeds.test.ts', 'test/stores/migrations.test.ts', 'test/stores/sqlite.test.ts'],
    [
      ['a long name fails no change', 'if octet_length(payload) > 7999 then', 'if false then'],
      [
        'nothing of a key stays in Postgres',
        "array['latchkey_key_secrets', 'latchkey_signing_secrets', 'latchkey_uses']",
        "array['latchkey_uses']",
      ],
      ['what belongs to a key is found by whatever path', 'tg_table_schema, belonging', 'current_schema, belonging'],
      [
        'nothing of a key stays in SQLite',
        '  delete from latchkey_key_secrets where service = old.service and key_id = old.id;',
        '',
      ],
      [
        'nothing of another service’s key goes with it',
        'delete from latchkey_key_secrets where service = old.service and key_id = old.id;',
        'delete from latchkey_key_secrets where key_id = old.id;',
      ],
    ],
  ),
  ...of(
    sql('lease'),
    ['packages/store-sql/src/index.test.ts', 'test/stores/leases.test.ts'],
    [
      ['a lease is whole', 'Number.isInteger(value) && ', ''],
      ['a lease is not negative', ' && value >= 0', ''],
      ['a lease is no longer than a minute', ' && value <= LONGEST', ''],
      ['another lease is refused', 'if (asked !== undefined && asked !== lease) {', 'if (false) {'],
      ['of several that store a lease one does', '    stored = await found()\n  }', '    stored = row.value\n  }'],
      ['a stored lease is a number', '/^\\d+$/.test(stored)', 'true'],
      [
        'a stored lease is one',
        "if (!isLease(lease)) throw new Error('the lease",
        "if (false) throw new Error('the lease",
      ],
    ],
  ),
  ...of(
    sql('change'),
    ['test/stores/feeds.test.ts'],
    [
      ['what nobody understands may be all', "return { kind: 'all' }", "return { kind: 'account', id: '' }"],
      ['a key is named with its service', " && typeof service === 'string'", ''],
      ['an account has a name', "kind === 'account' && typeof id === 'string'", "kind === 'account'"],
    ],
  ),
  ...of(
    sql('sqlite-feed'),
    ['test/stores/feeds.test.ts'],
    [
      ['a log with a gap may be about all', 'if (!isWhole) listener', 'if (false) listener'],
      [
        'a log that was begun anew may be about all',
        'JSON.stringify(before) === JSON.stringify(last)',
        'before?.sequence === last?.sequence',
      ],
      ['a log is read on from the last entry', 'last = news.at(-1) ?? before\n', ''],
      ['a log that cannot be read is lost', '        end(error)\n', ''],
      ['an ended subscription is over', "if (!isOpen) throw new Error('the subscription has ended')", ''],
      ['a closed store of SQLite tells nothing', "if (!isOpen) throw new Error('the store is closed')", ''],
      ['a closed store of SQLite ends subscriptions', "subscription.end(new Error('the store is closed'))", '{}'],
      [
        'a change is made whoever listens',
        '} catch {\n          // The change',
        '} catch (error) {\n          throw error // The change',
      ],
    ],
  ),
  ...of(
    sql('sqlite'),
    ['test/stores/feeds.test.ts'],
    [
      ['what this process changes is told at once', 'feed?.look()', ''],
      [
        'a name that is cut off is not announced',
        "checkTexts(insertChange(builderFor('sqlite'), change))",
        "insertChange(builderFor('sqlite'), change)",
      ],
    ],
  ),
  ...of(
    sql('postgres-feed'),
    ['test/stores/feeds.test.ts'],
    [
      [
        'a heartbeat does not go by the connection that listens',
        'notify(channel, number).catch(',
        "listening.query(`notify ${channel}, '${number}'`).catch(",
      ],
      ['garbage may be about all', '} catch {\n    return []', '} catch (error) {\n    throw error'],
      ['what is of other channels is not told', 'if (heard === CHANNEL) ', 'if (heard !== channel) '],
      ['heartbeats end with the connection', 'for (const beat of beats.values()) beat.failed(error)', ''],
      ['a connection that breaks is lost', 'if (isSubscribed) listener.lost(error)', ''],
      ['a connection that breaks is seen', "listening.on('error', lose)", "listening.on('error', () => {})"],
      [
        'listening is not waited for for ever',
        'await within(listening.query(`listen ${CHANNEL}; listen ${channel}`), timeout, timeout).catch(lose)',
        'await listening.query(`listen ${CHANNEL}; listen ${channel}`).catch(lose)',
      ],
      ['a connection that came too late is ended', 'if (isOpen) await within', 'if (true) await within'],
      [
        'a closed store of Postgres ends subscriptions',
        "lose(new Error('the store is closed'))\n    },",
        'void lose\n    },',
      ],
      ['an announcement has a length', 'Buffer.byteLength(payload) > LONGEST_PAYLOAD', 'false'],
    ],
  ),
  ...of(
    sql('postgres'),
    ['test/stores/feeds.test.ts'],
    [
      ['a pool of one is left to requests', ' && pool.options?.max !== 1', ''],
      ['a connection that listens is not used again', 'end: () => client.release(true)', 'end: () => client.release()'],
    ],
  ),
  ...of(
    sql('postgres-pool'),
    ['test/stores/feeds.test.ts'],
    [['what cannot be read does not end a process that listens', '    stream: () => socket,\n', '']],
  ),
  ...of(
    sql('d1'),
    ['packages/store-sql/src/index.test.ts'],
    [['a D1 binding is one', "if (typeof binding?.prepare !== 'function') throw", 'if (false) throw']],
  ),
  ...of(sql('texts'), stores('sqlite', 'postgres-connections'), [
    [
      'what databases do not keep as it is, is refused',
      "typeof value !== 'string' || !/[\\0\\ud800-\\udfff]/u.test(value)",
      'true',
    ],
  ]),
  ...of(
    sql('counts'),
    ['test/stores/counting.test.ts'],
    [
      ['a counter that has no room charges no other', 'where refusing.counters = 0 group by', 'group by'],
      ['a counter that is not there lets nothing through', 'locked.id is null\n    or ', ''],
      ['what is in a window counts', '(select sum(live.units) from live where live.id = asked.id)', 'null'],
      ['a unit comes back at its time', '> asked.now\n', '>= asked.now\n'],
      [
        'what lies far ahead is forgotten',
        '\n    and cast(r.value ->> 0 as bigint) < asked.now + 2 * asked.length + asked.width',
        '',
      ],
      ['what nobody counts in is removed', 'select id from near where ends_at <=', 'select id from near where 0 >'],
      ['what was taken away has left', 'having sum(unit.units) > 0', ''],
      ['units of one part come back together', '(a.now / a.width + 1) * a.width - 1', 'a.now'],
    ],
  ),
  ...of(
    sql('sql-limiter'),
    ['test/stores/counting.test.ts'],
    [
      ['a slot is given back once', ' || !held.isHeld', ''],
      ['a cost that never fits is refused for a whole window', '?? now + length', '?? now + 1'],
      ['what has left is not told', 'endsAt > clock && ', ''],
      ['counters that are swept away are made anew', 'if (rows.length === counters.length) return rows', 'return rows'],
    ],
  ),
  ...of(
    sql('sql-ledger'),
    ['test/stores/counting.test.ts'],
    [
      [
        'a balance covers what is reserved',
        "\nwhere ${USED} + excluded.used <= coalesce(latchkey_balances.own_limit, ${whole('limit')})",
        '',
      ],
      ['a new balance covers what is reserved', "${whole('amount')} <= ${whole('limit')} or exists", 'exists'],
      [
        'what was used before the period is not counted',
        'then 0 else latchkey_balances.used',
        'then latchkey_balances.used else latchkey_balances.used',
      ],
      [
        'an earlier period does not begin anew',
        'then excluded.start_at else latchkey_balances.start_at',
        'then excluded.start_at else excluded.start_at',
      ],
      ['a period is read as it begins', 'standing.start < start', 'false'],
      ['an earlier period is given nothing back', " and start_at = ${whole('start')}", ''],
      ['no more is given back than was used', 'else 0 end', 'else used - ${whole(amount)} end'],
      [
        'a name that is cut off has no balance',
        'checkTexts({ sql, parameters: parameters.map((name) => values[name as Name]) })',
        '({ sql, parameters: parameters.map((name) => values[name as Name]) })',
      ],
      ['a name that is cut off gets no limit', 'checkTexts(change.compile(db))', 'change.compile(db)'],
    ],
  ),
  ...of(
    sql('single'),
    ['test/stores/counting-postgres.test.ts'],
    [
      [
        'a database that is stricter is asked again',
        'if (error.code !== SERIALIZATION_FAILURE) throw error',
        'throw error',
      ],
    ],
  ),
  ...of(sql('counts'), stores('counting-postgres'), [
    ['who counts locks the row', "locked: 'order by id for update'", "locked: 'order by id'"],
  ]),
]
