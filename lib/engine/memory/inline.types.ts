import type { ReceivedEvent } from '../core/api/event.types.js';
import type { RunRecord, StepRecord } from '../core/api/run.types.js';
import type { ErrorClass, LoggerPort } from '../core/api/values.types.js';
import type { AnyWorkflowDefinition, WorkflowContext } from '../core/api/workflow.types.js';

/** An instance of a workflow class. */
export interface WorkflowInstance<I = unknown, O = unknown> {
  /** The workflow. */
  run(ctx: WorkflowContext<I>): O | Promise<O>;
}

// biome-ignore lint/suspicious/noExplicitAny: of whatever input and output
export type AnyInlineWorkflow = AnyWorkflowDefinition | WorkflowInstance<any, any>;

/** Makes a definition of an instance, from what its class says of itself. */
export type DescribeInstance = (instance: object) => AnyWorkflowDefinition;

type Given<T> = { [K in keyof T]?: T[K] | undefined };

/** What the run is said to be; the rest follows from the workflow. */
export type InlineRunFields = Given<
  Pick<
    RunRecord,
    | 'id'
    | 'queue'
    | 'attempt'
    | 'maxAttempts'
    | 'priority'
    | 'tags'
    | 'trigger'
    | 'parentRunId'
    | 'parentStep'
    | 'rootRunId'
    | 'idempotencyKey'
  >
>;

/** Options of `runInline`. */
export interface RunInlineOptions<I = unknown> {
  input: I;
  /**
   * What stands in place of a step, by its name: a value is its output, an `Error` is thrown where it is awaited, and a function is
   * called instead and returns or throws the outcome. It gets what the step would: a step's context, the wait, or the input.
   *
   * A wait for an event takes an event (its `data` is enough) or null, `waitForAny` takes `{ winner, value }`, `compensate:<step>`
   * stands in place of a compensation, and of a sleep the value is ignored. An error of a child arrives as `ChildWorkflowError`.
   * @throws InvalidOptionError after a run that succeeded without calling a step that is named here
   */
  stepOverrides?: Record<string, unknown> | undefined;
  run?: InlineRunFields | undefined;
  /** Envelope of the event that starts the run: its data is the input. */
  event?: (Given<Omit<ReceivedEvent, 'data'>> & { name: string }) | undefined;
  /** The tick that starts the run. */
  schedule?: { id: string; instant: number } | undefined;
  /** Cancels the run when it is aborted. */
  signal?: AbortSignal | undefined;
  /** What `ctx.patched()` has answered in the run before, by id: `{ 'fraud-check': false }` takes the path of older runs. */
  patches?: Readonly<Record<string, boolean>> | undefined;
  /** Workflows that steps start by name, and instances for those they start by class. They win over others of their name. */
  children?: readonly AnyInlineWorkflow[] | undefined;
  /** As those of the module: error classes that errors are rebuilt as, besides those that workflows and steps list. @default none */
  errors?: readonly ErrorClass[] | undefined;
  /** @default 1 MiB */
  maxPayloadBytes?: number | undefined;
  /** @default silent */
  logger?: LoggerPort | undefined;
}

/** How a run of `runInline` ended, and its steps. */
export interface InlineResult<O = unknown> {
  readonly succeeded: boolean;
  readonly output?: O;
  /** The error the run failed with, rebuilt; `RunCanceledError` if it was canceled. */
  readonly error?: Error;
  /** In the order in which they ended. */
  readonly steps: StepRecord[];
  /** The whole record, in virtual time; absent if the input was refused, since then there is no run. */
  readonly run?: RunRecord;
}
