/**
 * For tests: workflows without Redis, and Redis servers of their own.
 *
 * @module nestjs-redflow/testing
 */

export type { InlineResult, InlineRunFields, RunInlineOptions, WorkflowInstance } from '../engine/inline/index.js';
export { type FindRedisOptions, type FoundRedis, findOrStartRedis } from './find-redis.js';
export { runInline } from './run-inline.js';
export { type RedisServer, type StartRedisOptions, startRedis } from './start-redis.js';
export { TestRedisError } from './test-redis.error.js';
