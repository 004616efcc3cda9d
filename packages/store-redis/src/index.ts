export { openRedis, type RedisClient, type RedisConnection, type RedisOptions } from './redis.ts'
