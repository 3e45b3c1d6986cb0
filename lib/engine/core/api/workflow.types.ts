import type { AdmissionOptions } from './admission.types.js';
import type { CreateOptions, RunHandle } from './client.types.js';
import type { EventRef, ReceivedEvent } from './event.types.js';
import type { RetryPolicy } from './retry.types.js';
import type { RunInfo, RunRecord } from './run.types.js';
import type { ChildOptions, StepContext, StepEmitOptions, StepOptions, WaitForEvent } from './step.types.js';
import type { CronTrigger, EventTrigger } from './trigger.types.js';
import type { Duration, ErrorClass, LoggerPort, StandardSchemaV1, Stored, When } from './values.types.js';

export type { ChildOptions, StepContext, StepEmitOptions, StepOptions, WaitForEvent } from './step.types.js';

/** What a handler gets besides its input. */
export interface WorkflowContext<I = unknown> {
  readonly input: I;
  readonly run: RunInfo;
  /** The event that started the run, when one did; its data is the input. */
  readonly event?: ReceivedEvent;
  /** The tick that started the run, when a schedule did: `instant` is its nominal time, epoch ms. */
  readonly schedule?: { readonly id: string; readonly instant: number };
  /** Aborted on cancellation, run timeout, lease loss and forced shutdown. */
  readonly signal: AbortSignal;
  readonly step: StepApi;
  /** Adds the run id and the name of the running step to every line. */
  readonly logger: LoggerPort;
  /**
   * The point of no return: steps that completed before it are not compensated any more. Durable; a replayed call changes nothing.
   * @throws NestedStepError inside a step's function
   */
  commit(): Promise<void>;
  /**
   * Whether this run takes a change to its workflow's code. The first call of an id in a run decides: false if the run has already done
   * something that this pass has not asked for yet, that is, if it has come further under the code before the change; else true. The
   * answer is stored before anything after it begins and holds for every call of the id in the run, `retryRun` included.
   *
   * While the run is canceled or compensated, an id that was not asked for before is answered with false.
   *
   * @param id 1 to 512 characters, the same for as long as the change is in the code
   * @throws NestedStepError inside a step's function
   * @throws InvalidOptionError for an id that is no name of a step either
   * @example
   * if (await ctx.patched('thank-you')) await ctx.step.run('thank', () => mailer.thank(order.customer));
   * await ctx.step.run('charge', () => payments.charge(order));
   */
  patched(id: string): Promise<boolean>;
}

/** One of several things to wait for. */
export type AnyWait =
  | { for: When }
  // biome-ignore lint/suspicious/noExplicitAny: of whatever data
  | Omit<WaitForEvent<any>, 'timeout'>
  // biome-ignore lint/suspicious/noExplicitAny: of whatever input and output
  | ({ workflow: WorkflowRef<any, any>; input: unknown } & ChildOptions);

/** What a branch of `waitForAny` ends with. */
export type AnyValue<W> = W extends { workflow: WorkflowRef<infer _, infer O> }
  ? O
  : W extends { event: EventRef<infer T> }
    ? ReceivedEvent<T>
    : undefined;

/** The branch that came first, and what it ended with. */
export type AnyOutcome<W extends Record<string, AnyWait>> = {
  [K in keyof W]: { readonly winner: K; readonly value: AnyValue<W[K]> };
}[keyof W];

/** The durable operations of a run: `ctx.step`. Each call has a name, unique in its run, under which its outcome is stored. */
export interface StepApi {
  /**
   * Runs `fn` and stores what it returns, once; later passes get the stored value without running it. If the process dies between the
   * return and the record, `fn` runs again with the same `idempotencyKey`.
   *
   * The value is the JSON round trip of what `fn` returned, on the first pass and on every replay.
   *
   * @param name 1 to 512 characters, unique within the run: put the index or key into it inside a loop. Not ending in `#` and a number
   * @throws DuplicateStepError when the name was used before in this pass
   * @throws StepMismatchError when an earlier pass used the name for another kind of step
   * @throws StepTimeoutError when `timeout` ran out
   * @throws SerializationError when the value cannot be stored as JSON
   */
  run<T>(name: string, fn: (step: StepContext) => T | Promise<T>, options?: StepOptions<T>): Promise<Stored<T>>;

  /**
   * Sleeps durably: the run is parked, holds no worker slot and outlives restarts. The deadline is set once.
   *
   * @param target a `Date`, or a duration counted from the first time this line is reached; in the past means at once
   */
  waitFor(name: string, target: When): Promise<void>;

  /**
   * Starts a child run, once per run and step name whatever crashes, and waits for its output; meanwhile the run is parked.
   *
   * @param options `timeout` bounds the wait, not the child, which goes on
   * @throws ChildWorkflowError when the child failed (its cause is the child's error); a retry of the run starts no second child
   * @throws StepTimeoutError when `timeout` ran out, on every replay, even if the child ends later
   */
  runWorkflow<I, O>(
    name: string,
    workflow: WorkflowRef<I, O>,
    input: I,
    options?: ChildOptions & { timeout?: Duration | undefined },
  ): Promise<O>;

  /**
   * Waits for an event of this name and correlation key; meanwhile the run is parked. Answers null when `timeout` ran out first.
   *
   * Events emitted since the run was created count, also before this line was reached, unless `lookback` is `'none'`. Each event is
   * handed to a run once, oldest first; one event resumes every run that waits for its key.
   *
   * @param wait `timeout` in ms or as a duration, from now; none waits for ever
   */
  waitForEvent<T = unknown>(name: string, wait: WaitForEvent<T>): Promise<ReceivedEvent<T> | null>;

  /**
   * Waits for the first of several: a time, an event, the end of a child. The winner is stored; children that lost go on.
   *
   * @throws ChildWorkflowError when the first to end is a child that failed
   * @example
   * const { winner, value } = await ctx.step.waitForAny('paid', {
   *   paid: { event: 'payment.received', correlationKey: order.id },
   *   gaveUp: { for: '30m' },
   * });
   */
  waitForAny<W extends Record<string, AnyWait>>(name: string, waits: W): Promise<AnyOutcome<W>>;

  /**
   * Emits an event, once per run and step name: creates a run per subscriber and resumes the runs that wait for it. Answers the ids
   * of the subscribers' runs.
   *
   * @throws InputValidationError when the event's schema refuses the data
   */
  emitEvent<T>(name: string, event: EventRef<T>, data: T, options?: StepEmitOptions): Promise<string[]>;

  /** Starts a child run and goes on at once; answers the child's run id. */
  emitWorkflow<I, O = unknown>(name: string, workflow: WorkflowRef<I, O>, input: I, options?: ChildOptions): Promise<string>;
}

/** The code of a workflow. It is executed from the top on every pass, with what its steps have stored. */
export type Handler<I, O> = (ctx: WorkflowContext<I>) => O | Promise<O>;

/** What `onFailure` gets, once the run has failed for good. */
export interface FailureContext<I = unknown> {
  /** The failed run. */
  readonly run: RunRecord<I>;
  readonly input: I;
  /** The run's error, rebuilt. */
  readonly error: Error;
  /** Durable steps of the hook; their names are its own. */
  readonly step: StepApi;
  /** As `ctx.patched()` of the run: what the run was answered, else by what the hook has done so far. */
  patched(id: string): Promise<boolean>;
  /** Aborted when `onFailureTimeout` is over, when the hook is canceled, on lease loss and on forced shutdown. */
  readonly signal: AbortSignal;
}

/** Executed after a terminal failure, never on cancellation; durable, retried up to 3 attempts, called again after a crash until it has completed. */
export type FailureHook<I> = (ctx: FailureContext<I>) => unknown;

/**
 * Judges an input once: before it is stored, or in the first pass of a run whose creator did not know the workflow. Later passes transform it
 * again; where that fails or makes something else, `ctx.input` is what it was in the first pass. Nest adds
 * DTO classes to Standard Schema.
 */
export type InputSchema<I> = StandardSchemaV1<unknown, I> | (new (...args: never[]) => I);

/** What a workflow may be told, by `@Workflow()`, `defineWorkflow` or the configuration of the module. */
export interface WorkflowOptions<I = unknown> extends AdmissionOptions<I> {
  /** @default 'default' */
  queue?: string | undefined;
  /** Attempts of a run, the first included; `retries.maxAttempts` wins over it. @default 3 */
  maxAttempts?: number | undefined;
  retries?: RetryPolicy | undefined;
  /** Deadline of a run counted from its first start, waits included. @default none */
  timeout?: Duration | undefined;
  /**
   * How long `onFailure` may execute at a time: its waits do not count. Then its signal is aborted, and the attempt fails with
   * `RunTimeoutError`, also when the hook ignores the signal. @default '10m'
   */
  onFailureTimeout?: Duration | undefined;
  /**
   * What becomes of a run whose code asks for a new step but not for one that is stored: it may be the same step under another name, and
   * would happen twice. `'block'` sets the run aside until other code is deployed or `resumeRun()` is called, `'warn'` logs it and goes on,
   * `'off'` does not look. @default 'block'
   */
  determinism?: 'block' | 'warn' | 'off' | undefined;
  /**
   * How long the new step is held before that: the missing one may come behind a call that is no step. Longer than the longest such
   * call. @default '5s'
   */
  determinismGrace?: Duration | undefined;
  /**
   * Runs of the workflow that execute at the same time, over all workers. Runs that only wait do not count. What the last started
   * deployment declares holds. @default no limit
   */
  maxConcurrency?: number | undefined;
  /** 0 (first in, first out) to 9 (claimed first). @default 0 */
  priority?: number | undefined;
  /**
   * Pins runs to the code they begin with: a run is pinned by its first claim to the version that is current then, and only workers with
   * that version execute it from there on. A name may be defined once per version, in one process or in several.
   * @default none: whatever code is deployed goes on with the run
   */
  version?: string | undefined;
  /**
   * Marks the version that new runs take, where one process defines several of a name. Across deployments the current version is that of
   * the one that was started last.
   * @default true for the only definition of a name
   */
  current?: boolean | undefined;
  /** Error classes that errors in its runs are rebuilt as, besides those that the module lists. @default none */
  errors?: readonly ErrorClass[] | undefined;
  /** Given to every run of the workflow; tags of the call win. */
  tags?: Record<string, string> | undefined;
  input?: InputSchema<I> | undefined;
  /** Events that start a run. */
  event?: EventTrigger[] | undefined;
  /** Schedules that start a run. */
  cron?: CronTrigger[] | undefined;
}

/** A workflow as the engine knows it; made by `defineWorkflow` or from a decorated class. */
export interface WorkflowDefinition<I = unknown, O = unknown> {
  readonly name: string;
  readonly options: Readonly<WorkflowOptions<I>>;
  readonly handler: Handler<I, O>;
  readonly onFailure?: FailureHook<I>;
  /** Creates a run with the default client. */
  run(input: I, options?: CreateOptions): Promise<RunHandle<O>>;
}

/** A class with `@Workflow()`; input and output of its runs follow from `run()`. */
// biome-ignore lint/suspicious/noExplicitAny: a constructor's parameters are contravariant, so only any[] accepts every class
export type WorkflowClass<I, O> = new (...args: any[]) => { run(ctx: WorkflowContext<I>): O | Promise<O> };

/** A workflow's name, its definition, or its Nest class. */
export type WorkflowRef<I = unknown, O = unknown> = string | WorkflowDefinition<I, O> | WorkflowClass<I, O>;

// A definition's input is both taken and given, so only `any` stands for every one.
// biome-ignore-start lint/suspicious/noExplicitAny: see above
export type AnyWorkflowDefinition = WorkflowDefinition<any, any>;
export type AnyWorkflowClass = WorkflowClass<any, any>;
export type AnyWorkflowRef = WorkflowRef<any, any>;
// biome-ignore-end lint/suspicious/noExplicitAny: see above

/** The definitions that a worker serves, by name and version. */
export interface WorkflowRegistry {
  /** All of them, in the order in which they were added. */
  list(): WorkflowDefinition[];
}
