export { type PostgresServer, startPostgres } from '@latchkey/test-servers'
