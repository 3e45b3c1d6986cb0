import type { StandardSchemaV1 } from './values.types.js';

/** An event as a run receives it. */
export interface ReceivedEvent<T = unknown> {
  readonly id: string;
  readonly name: string;
  /** When it happened, epoch ms: what the emitter said, else the Redis time of its emission. */
  readonly ts: number;
  readonly data: T;
  readonly correlationKey?: string;
}

/** A typed event, made by `defineEvent`; accepted wherever the name of an event is. */
export interface EventDefinition<T> {
  readonly name: string;
  readonly schema?: StandardSchemaV1<unknown, T>;
  /** Never set; carries the type. */
  readonly __data?: T;
}

/** An event's name or definition. */
export type EventRef<T = unknown> = string | EventDefinition<T>;
