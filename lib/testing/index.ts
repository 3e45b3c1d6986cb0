/**
 * For tests: workflows without Redis, and Redis servers of their own.
 *
 * @module nestjs-redflow/testing
 */

export type {
  InlineResult,
  InlineRunFields,
  ReplayDeparture,
  ReplayOptions,
  ReplayResult,
  RunInlineOptions,
  WorkflowInstance,
} from '../engine/memory/index.js';
export { ReplayDepartedError } from '../engine/memory/index.js';
export type { BusyItem } from '../engine/test-bed/index.js';
export { replayRun } from './inline/replay-run.js';
export { runInline } from './inline/run-inline.js';
export { type FindRedisOptions, type FoundRedis, findOrStartRedis } from './redis-server/find-redis.js';
export { type RedisServer, type StartRedisOptions, startRedis } from './redis-server/start-redis.js';
export { TestRedisError } from './redis-server/test-redis.error.js';
export { RedflowTestBed } from './test-bed/redflow-test-bed.js';
export { RedflowTestingModule, type RedflowTestingModuleOptions } from './test-bed/redflow-testing.module.js';
export { TestBedBusyError } from './test-bed/test-bed.error.js';
export type { RedflowTestingOptions } from './test-bed/test-connections.js';
