export { installPacked } from './packed.ts'
export { findPgBouncer, type PgBouncer, startPgBouncer } from './pgbouncer.ts'
export { findPostgres, type PostgresOptions, type PostgresServer, startPostgres } from './postgres.ts'
export { findRedis, type RedisServer, type RedisServerOptions, startRedis } from './redis.ts'
