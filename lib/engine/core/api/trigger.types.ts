import type { ReceivedEvent } from './event.types.js';

/** A subscription: every matching event creates a run whose input is the event's data. */
export interface EventTrigger {
  /** An event name; `*` stands for one segment between dots, a last `**` for any number: `order.*`, `audit.**`. */
  name: string;
  /** Return false to skip an event. One that throws is a failed delivery. */
  // biome-ignore lint/suspicious/noExplicitAny: the data of whatever event the pattern matches
  if?: ((event: ReceivedEvent<any>) => boolean) | undefined;
}

/** A schedule: one run per nominal instant, however many workers there are. */
export interface CronTrigger {
  /** @default derived from workflow, expression and zone */
  id?: string | undefined;
  /** 5 fields, or 6 with seconds first. */
  expression: string;
  /** An IANA zone. @default 'UTC' */
  timezone?: string | undefined;
  /** Input of the runs. */
  input?: unknown;
  /** What happens to ticks more than 60 s late: one run for the latest of them, or none. @default 'once' */
  misfire?: 'once' | 'skip' | undefined;
}
