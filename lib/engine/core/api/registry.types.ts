import type { BackoffOptions } from './retry.types.js';
import type { CronTrigger } from './trigger.types.js';
import type { Duration } from './values.types.js';

/** What workers have registered of a workflow. */
export interface WorkflowMeta {
  name: string;
  app: string;
  queue: string;
  /** The one that new runs are pinned to; absent: they begin without. */
  version?: string;
  /** All that the deployment has which declares this; absent for a workflow without versions. */
  versions?: string[];
  maxAttempts: number;
  maxConcurrency?: number;
  priority: number;
  tags: Record<string, string>;
  retries: RetryMeta;
  /** Its schedules, without their inputs. */
  cron: CronTrigger[];
  /** Names and patterns of the events it subscribes to. */
  events: string[];
  /** When a deploy last changed any of this. */
  updatedAt: number;
}

/** A retry policy as far as it can be told: functions are `'custom'`. */
export interface RetryMeta {
  maxAttempts: number;
  delay: Duration | BackoffOptions | 'custom';
  shouldRetry?: 'custom';
}

/** A schedule as Redis has it; times are epoch ms. */
export interface ScheduleRecord {
  id: string;
  workflow: string;
  expression: string;
  timezone: string;
  paused: boolean;
  /** The next instant; absent while paused, and for a moment after a deploy that brought the schedule back. */
  nextAt?: number;
  /** The last instant that started a run. */
  lastAt?: number;
}
