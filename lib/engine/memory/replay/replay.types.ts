import type { RunInterceptor } from '../../core/api/interceptor.types.js';
import type { ContextCarrier, Duration, ErrorClass, LoggerPort } from '../../core/api/values.types.js';

/** Options of `replayRun`. */
export interface ReplayOptions {
  /**
   * How long a handler that seems to depart may take to come to what is recorded, behind a call that is no step, in real time.
   * @default '1s'
   */
  grace?: Duration | undefined;
  /** Restores the context that the run was created in, as the option of the same name of clients and the module. @default none */
  context?: ContextCarrier | undefined;
  /** Wrap the pass, and functions of steps, as the option of the same name of clients and the module. @default none */
  interceptors?: readonly RunInterceptor[] | undefined;
  /** As those of the module: error classes that errors are rebuilt as, besides those that workflows and steps list. @default none */
  errors?: readonly ErrorClass[] | undefined;
  /** @default 1 MiB */
  maxPayloadBytes?: number | undefined;
  /** @default silent */
  logger?: LoggerPort | undefined;
}

/** One point at which a replayed handler does something else than the run did. */
export interface ReplayDeparture {
  /**
   * - `new`: the handler asks for a step that the run has not recorded, in the place of those in `insteadOf`, or behind all that is recorded
   * - `missing`: it does not ask for a step that is recorded
   * - `order`: it asks for a step behind another one that came later
   * - `kind`: it asks for a step as another kind than is recorded
   * - `arguments`: it calls a numbered `@Step()` method with other arguments
   * - `outcome`: it asks for the same steps and ends in another way than the run
   */
  readonly kind: 'new' | 'missing' | 'order' | 'kind' | 'arguments' | 'outcome';
  /** Absent for `outcome`. */
  readonly step?: string;
  /** Of `new`: recorded steps that the handler should have asked for by then. */
  readonly insteadOf?: readonly string[];
  /**
   * Whether runs that are under way in this place would not go on under this code: a worker stops them rather than have them do something
   * twice, or their attempt fails. False for what only differs.
   */
  readonly blocks: boolean;
  readonly message: string;
}

/** What `replayRun` found. */
export interface ReplayResult {
  readonly status: 'same' | 'departed';
  /** Empty if the handler does what the run did. */
  readonly departures: readonly ReplayDeparture[];
  /** How far the handler came: to an end, or to a step that has no recorded outcome. */
  readonly reached: 'succeeded' | 'failed' | 'waiting';
  /** The steps it asked for, in that order. */
  readonly asked: readonly string[];
  /** Of a handler that succeeded. */
  readonly output?: unknown;
  /** Of a handler that failed, rebuilt. */
  readonly error?: Error;
  /** @throws ReplayDepartedError naming all departures, unless there are none */
  throwIfDeparted(): void;
}
