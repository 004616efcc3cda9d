export { findPostgres, type PostgresOptions, type PostgresServer, startPostgres } from './postgres.ts'
