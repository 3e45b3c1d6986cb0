import type { EventRef, ReceivedEvent } from '../core/api/event.types.js';
import type { StepKind } from '../core/api/run.types.js';
import type { Duration, Stored, When } from '../core/api/values.types.js';
import type {
  AnyOutcome,
  AnyWait,
  AnyWorkflowRef,
  ChildOptions,
  StepContext,
  StepEmitOptions,
  StepOptions,
  WaitForEvent,
  WorkflowRef,
} from '../core/api/workflow.types.js';
import { parseDuration } from '../core/checks/duration.js';
import { redflowErrorCode } from '../core/errors/error-codes.js';
import { ChildWorkflowError, InvalidOptionError } from '../core/errors/index.js';
import { childIdOf, stepEventIdOf } from '../core/ids.js';
import type { Sealer } from '../core/payload/sealer.js';
import { fromStoredError, toStoredError } from '../core/payload/stored-error.js';
import { prepareEvent } from '../creation/prepare-event.js';
import { prepareRun } from '../creation/prepare-run.js';
import type { WorkflowDirectory } from '../creation/workflow-directory.js';
import { resolveEventWait } from '../worker/steps/event-steps.js';
import { compensationOf } from '../worker/steps/function-steps.js';
import type { ContextSteps } from '../worker/steps/step-host.js';
import type { StepRuntime } from '../worker/steps/step-runtime.js';
import { notAnEvent, notAWinner } from './inline.messages.js';
import type { InlineWorkflows } from './inline-workflows.js';
import type { StepOverrides } from './step-overrides.js';

export interface InlineStepsHost {
  readonly directory: WorkflowDirectory;
  readonly workflows: Pick<InlineWorkflows, 'adopt' | 'whyUnknown'>;
  readonly maxPayloadBytes: number;
  readonly sealer: Sealer;
  now(): number;
  /** What the test gives is wrong. */
  refuse(error: unknown): void;
}

/**
 * The steps of a run in a test: those of the engine, with what the test overrides put in place of them as functions. What the
 * handler gives to an overridden step is still checked.
 */
export class InlineSteps implements ContextSteps {
  constructor(
    private readonly runId: string,
    private readonly runtime: StepRuntime,
    private readonly overrides: StepOverrides,
    private readonly host: InlineStepsHost,
  ) {}

  readonly run = <T>(name: string, fn: (step: StepContext) => T | Promise<T>, options?: StepOptions): Promise<Stored<T>> => {
    return this.runtime.run(name, this.replacing(name, fn), this.withOverriddenCompensation(name, options));
  };

  readonly runMethod = <T>(
    method: string,
    args: readonly unknown[],
    fn: (step: StepContext) => T | Promise<T>,
    options: StepOptions,
  ): Promise<Stored<T>> => {
    const call = this.runtime.callOf(method, args);
    const name = call?.name ?? method;
    return this.runtime.runCall(method, call, this.replacing(name, fn), this.withOverriddenCompensation(name, options));
  };

  readonly waitFor = (name: string, target: When): Promise<void> => {
    this.overrides.call(name);
    return this.runtime.waitFor(name, target);
  };

  readonly waitForEvent = <T = unknown>(name: string, wait: WaitForEvent<T>): Promise<ReceivedEvent<T> | null> => {
    const outcome = async () => {
      const { event, correlationKey } = resolveEventWait(wait);
      if (wait.timeout !== undefined) parseDuration(wait.timeout, 'timeout');
      const given = await this.overrides.outcome(name, wait);
      if (given === null) return null;
      if (typeof given !== 'object' || given === undefined || !('data' in given)) return this.refuse(notAnEvent(name, given));
      return { id: stepEventIdOf(this.runId, name), name: event, ts: this.host.now(), correlationKey, ...given };
    };
    return this.replaced(name, 'event', outcome) ?? this.runtime.waitForEvent(name, wait);
  };

  readonly waitForAny = <W extends Record<string, AnyWait>>(name: string, waits: W): Promise<AnyOutcome<W>> => {
    const outcome = async () => {
      const given = await this.failingAsChild(name, () => this.overrides.outcome(name, waits));
      const { winner, value } = (given ?? {}) as { winner?: string; value?: unknown };
      if (winner === undefined || !Object.hasOwn(waits, winner)) return this.refuse(notAWinner(name, Object.keys(waits), given));
      return { winner, value };
    };
    return (
      this.replaced(name, 'any', outcome) ?? this.startable(name, ...childrenIn(waits)) ?? this.runtime.waitForAny(name, waits)
    );
  };

  readonly runWorkflow = <I, O>(
    name: string,
    workflow: WorkflowRef<I, O>,
    input: I,
    options: ChildOptions & { timeout?: Duration } = {},
  ): Promise<O> => {
    const outcome = async () => {
      const { timeout, ...rest } = options;
      await this.checkChild(workflow, input, rest);
      return this.failingAsChild(name, () => this.overrides.outcome(name, input));
    };
    return (
      this.replaced(name, 'child', outcome) ??
      this.startable(name, workflow) ??
      this.runtime.runWorkflow(name, workflow, input, options)
    );
  };

  readonly emitWorkflow = <I, O>(
    name: string,
    workflow: WorkflowRef<I, O>,
    input: I,
    options: ChildOptions = {},
  ): Promise<string> => {
    const outcome = async () => {
      await this.checkChild(workflow, input, options);
      return this.overrides.has(name) ? this.overrides.outcome(name, input) : childIdOf(this.runId, name);
    };
    const isUnknown = !this.host.workflows.adopt(workflow);
    return this.replaced(name, 'emit_workflow', outcome, isUnknown) ?? this.runtime.emitWorkflow(name, workflow, input, options);
  };

  readonly emitEvent = <T>(name: string, event: EventRef<T>, data: T, options: StepEmitOptions = {}): Promise<string[]> => {
    const outcome = async () => {
      await prepareEvent(event, data, options, this.host);
      return this.overrides.outcome(name, data);
    };
    return this.replaced(name, 'emit_event', outcome) ?? this.runtime.emitEvent(name, event, data, options);
  };

  commit(): Promise<void> {
    return this.runtime.commit();
  }

  patched(id: string): Promise<boolean> {
    return this.runtime.patched(id);
  }

  /** A step of the engine that has the outcome of the override; undefined for a step without one. */
  private replaced<T>(name: string, kind: StepKind, outcome: () => Promise<unknown>, always = false): Promise<T> | undefined {
    this.overrides.call(name);
    if (!always && !this.overrides.has(name)) return undefined;
    const fn = () => this.overrides.outcomeFromOutside(name, kind, outcome);
    return this.runtime.refusedInsideStep(name) ?? (this.runtime.run(name, fn) as Promise<T>);
  }

  /** The function of a step, or what the test puts in its place. */
  private replacing<T>(name: string, fn: (step: StepContext) => T | Promise<T>): (step: StepContext) => T | Promise<T> {
    this.overrides.call(name);
    return this.overrides.has(name) ? (step) => this.overrides.outcome(name, step) as Promise<T> : fn;
  }

  private withOverriddenCompensation(name: string, options: StepOptions | undefined): StepOptions | undefined {
    const compensation = compensationOf(name);
    if (!options?.compensate) return options;
    this.overrides.call(compensation);
    if (!this.overrides.has(compensation)) return options;
    const { compensate } = options;
    const run = (output: unknown, ctx: unknown) => this.overrides.outcome(compensation, output, ctx);
    return { ...options, compensate: typeof compensate === 'function' ? run : { ...compensate, run } };
  }

  /** A rejection if a workflow that a step starts is not known; it ends the call, whatever the handler makes of it. */
  private startable(step: string, ...workflows: readonly AnyWorkflowRef[]): Promise<never> | undefined {
    for (const workflow of workflows) {
      if (this.host.workflows.adopt(workflow)) continue;
      const refused = Promise.reject(new InvalidOptionError('children', this.host.workflows.whyUnknown(step, workflow)));
      refused.catch((error: unknown) => this.host.refuse(error));
      return refused;
    }
    return undefined;
  }

  private async checkChild(workflow: AnyWorkflowRef, input: unknown, options: ChildOptions): Promise<void> {
    const isKnown = this.host.workflows.adopt(workflow);
    const target = isKnown ? await this.host.directory.find(workflow, true) : UNKNOWN;
    await prepareRun(target, input, options, this.host.maxPayloadBytes);
  }

  /** A step that waits for a child fails with `ChildWorkflowError`, unless its time runs out. */
  private async failingAsChild(step: string, outcome: () => Promise<unknown>): Promise<unknown> {
    try {
      return await outcome();
    } catch (error) {
      const code = redflowErrorCode(error);
      if (code === 'CHILD_WORKFLOW' || code === 'STEP_TIMEOUT') throw error;
      const cause = fromStoredError(toStoredError(error));
      throw new ChildWorkflowError({ runId: this.runId, step, childRunId: childIdOf(this.runId, step), cause });
    }
  }

  private refuse(message: string): never {
    const error = new InvalidOptionError('stepOverrides', message);
    this.host.refuse(error);
    throw error;
  }
}

const UNKNOWN = { workflow: 'unknown', queue: 'default', priority: 0, tags: {} };

function childrenIn(waits: Record<string, AnyWait>): AnyWorkflowRef[] {
  return Object.values(waits ?? {}).flatMap((wait) => ('workflow' in wait ? [wait.workflow] : []));
}
