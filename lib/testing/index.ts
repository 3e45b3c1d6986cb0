export { type FindRedisOptions, type FoundRedis, findOrStartRedis } from './find-redis.js';
export { type RedisServer, type StartRedisOptions, startRedis } from './start-redis.js';
export { TestRedisError } from './test-redis.error.js';
