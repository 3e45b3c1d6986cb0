import type { CronTrigger, InputSchema, ReceivedEvent } from '../engine/index.js';
import type { WorkflowDecoratorOptions } from './workflow-decorator-options.interface.js';

/** Options of `@OnEvent()` on a workflow class. */
export interface OnEventOptions<T = unknown> {
  /** Return false to skip an event. One that throws is a failed delivery. */
  if?: ((event: ReceivedEvent<T>) => boolean) | undefined;
}

/** Options of `@OnEvent()` on a method: those of the workflow that the method becomes as well. */
export interface OnEventMethodOptions<T = unknown, I = T>
  extends OnEventOptions<T>,
    Omit<WorkflowDecoratorOptions<I>, 'event' | 'cron'> {
  /** Stored with every run, so it should outlive a renaming of class and method. @default 'ClassName.method' */
  name?: string | undefined;
  /** Validates, and may transform, the event's data before the method gets it. */
  input?: InputSchema<I> | undefined;
}

/** Options of `@OnCron()` on a workflow class. */
export interface OnCronOptions<I = unknown> extends Omit<CronTrigger, 'expression' | 'input'> {
  /** Input of the runs. @default undefined */
  input?: I | undefined;
}

/** Options of `@OnCron()` on a method: those of the workflow that the method becomes as well. */
export interface OnCronMethodOptions<I = unknown>
  extends OnCronOptions<I>,
    Omit<WorkflowDecoratorOptions<I>, 'event' | 'cron' | 'input'> {
  /** Stored with every run, so it should outlive a renaming of class and method. @default 'ClassName.method' */
  name?: string | undefined;
}
