import type { CronTrigger, EventTrigger, WorkflowOptions } from '../engine/index.js';

/** What the decorators of a workflow were told, with the name settled. */
export interface WorkflowMetadata {
  readonly name: string;
  /** Name of the class that the workflow has its name from, if no decorator gives one. */
  readonly namedAfter?: string;
  readonly connection: string;
  readonly options: WorkflowOptions;
}

/** What one `@OnEvent()` or `@OnCron()` was told. */
export interface TriggerMetadata {
  /** The decorator as messages name it. */
  readonly decorator: string;
  /** The options that belong to the trigger itself. */
  readonly triggerKeys: readonly string[];
  readonly event?: EventTrigger;
  readonly cron?: CronTrigger;
  /** Options of the workflow that a method becomes, given beside those of the trigger. */
  readonly options: Readonly<Record<string, unknown>>;
}

// biome-ignore lint/suspicious/noExplicitAny: a constructor's parameters are contravariant, so only any[] accepts every class
export type DecoratedClass = abstract new (...args: any[]) => object;

/** A method's name as a property. */
export type MethodKey = string | symbol;

/** A method with decorators of this library. */
export interface DecoratedMethod {
  readonly key: MethodKey;
  /** Name of the class that declares it, which may be one that the provider's class extends. */
  readonly declaredBy: string;
  readonly triggers: readonly TriggerMetadata[];
  readonly isFailureHook: boolean;
}
