import type { RunInfo } from './run.types.js';
import type { Json } from './values.types.js';

/**
 * What travels with a run or an event from its creation to every pass of the runs, under names of the interceptors' own. It is stored as
 * a payload is: through the codec, and within `maxPayloadBytes`.
 */
export type RunHeaders = Record<string, Json>;

/** A run that is about to be created. */
export interface CreateCall {
  readonly workflow: string;
  readonly queue: string;
  readonly tags: Readonly<Record<string, string>>;
  /** The id that it gets, unless it joins another run by its idempotency key or by debouncing. */
  readonly runId: string;
  /** A client (`run`, `runMany`), a step of a run, or `triggerSchedule`. */
  readonly by: 'client' | 'step' | 'schedule';
  /** Write to it before `next()`. */
  readonly headers: RunHeaders;
}

/** An event that is about to be emitted. */
export interface EmitCall {
  readonly event: string;
  readonly eventId: string;
  readonly correlationKey?: string;
  readonly by: 'client' | 'step';
  /** Write to it before `next()`: the runs that the event creates get them. */
  readonly headers: RunHeaders;
}

/**
 * How a pass has ended: with the end of its run, or with a failed attempt; set aside until something that it waits for has come (`parked`);
 * given back by a worker that stops (`handed_back`), taken from one that has lost its lease (`lost`), or held by the replay guard (`blocked`).
 */
export type PassOutcome = 'succeeded' | 'failed' | 'canceled' | 'parked' | 'handed_back' | 'lost' | 'blocked';

/** One execution of a run's code, from its beginning: a replay of what is stored, and on from there. */
export interface PassCall {
  /** The handler, its compensations (with the replay that collects them), or `onFailure`. */
  readonly kind: 'handler' | 'compensation' | 'failureHook';
  /** To read its attempt here is no look of the handler's. */
  readonly run: RunInfo;
  /** How many steps have an outcome stored. */
  readonly storedSteps: number;
  readonly headers: Readonly<RunHeaders>;
  /** Resolves when the pass is over, also where `next()` never settles: a handler that parks is dropped. Never rejects. */
  readonly ended: Promise<PassOutcome>;
}

/** One execution of a step's function; a step that is replayed is none. */
export interface StepCall {
  /** To read its attempt here is no look of the handler's. */
  readonly run: RunInfo;
  readonly name: string;
  /** Counts from 1. */
  readonly attempt: number;
}

/** One call of the engine's script in Redis. */
export interface OperationCall {
  /** Of the transitions that travel together, in order. */
  readonly names: readonly string[];
  readonly role: 'client' | 'worker';
}

/**
 * Wraps what clients and workers do, for traces, metrics, logs, tenants: each function is called in the place of what it is named for, and
 * calls `next()` to have it done. Called again, `next()` answers what it answered before. What is not there costs nothing.
 *
 * The first interceptor of a list is the outermost. What one throws before `next()` fails what it wraps as if that had thrown it. What `create` and
 * `emit` do behind `next()` neither delays nor changes the outcome: what they throw there is logged.
 */
export interface RunInterceptor {
  /** Around the creation of a run, once its options and input are checked; not of runs that subscriptions and schedules create. */
  create?(call: CreateCall, next: () => Promise<{ readonly runId: string }>): Promise<{ readonly runId: string }>;
  /** Around an emission, once its options and data are checked. */
  emit?(call: EmitCall, next: () => Promise<void>): Promise<void>;
  /**
   * Around each pass. It runs again with every replay, so it must not call steps, nor lead the handler. The handler runs in the asynchronous
   * context in which `next()` is called, and what is returned is its output. Await nothing slow: the pass holds its slot meanwhile.
   */
  pass?(call: PassCall, next: () => Promise<unknown>): Promise<unknown>;
  /** Around each execution of a step's function, compensations included, in its asynchronous context; what is returned is the step's output. */
  step?(call: StepCall, next: () => Promise<unknown>): Promise<unknown>;
  /**
   * Around each call of the script, its repeats while Redis is away included. The call does not wait for it, nor does the answer; what it throws is
   * logged, and changes nothing.
   */
  operation?(call: OperationCall, next: () => Promise<void>): Promise<void>;
}
