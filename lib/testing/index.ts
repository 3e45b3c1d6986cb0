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
} from '../engine/inline/index.js';
export { ReplayDepartedError } from '../engine/inline/index.js';
export type { BusyItem } from '../engine/test-bed/index.js';
export { type FindRedisOptions, type FoundRedis, findOrStartRedis } from './find-redis.js';
export { RedflowTestBed } from './redflow-test-bed.js';
export { RedflowTestingModule, type RedflowTestingModuleOptions } from './redflow-testing.module.js';
export { replayRun } from './replay-run.js';
export { runInline } from './run-inline.js';
export { type RedisServer, type StartRedisOptions, startRedis } from './start-redis.js';
export { TestBedBusyError } from './test-bed.error.js';
export type { RedflowTestingOptions } from './test-connections.js';
export { TestRedisError } from './test-redis.error.js';
