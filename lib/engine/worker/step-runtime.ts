import { NestedStepError } from '../core/errors/index.js';
import type { Stored, When } from '../core/values.types.js';
import type { StepApi, StepContext, StepOptions } from '../core/workflow.types.js';
import type { RunData } from '../redis/stored-step.js';
import { type RunScope, runScope } from './run-scope.js';
import { RunSteps } from './run-steps.js';
import { SleepSteps } from './sleep-steps.js';
import { type StepHost, StepLedger } from './step-ledger.js';

/** `ctx.step` of one pass: decides what a call means where it is made, and leaves the rest to the kinds of steps. */
export class StepRuntime implements StepApi {
  readonly ledger: StepLedger;
  readonly functions: RunSteps;
  private readonly sleeps: SleepSteps;
  private warnedOfNesting = false;

  constructor(host: StepHost, data: RunData) {
    this.ledger = new StepLedger(host, data);
    this.functions = new RunSteps(this.ledger);
    this.sleeps = new SleepSteps(this.ledger);
  }

  readonly run = <T>(name: string, fn: (step: StepContext) => T | Promise<T>, options?: StepOptions): Promise<Stored<T>> => {
    const outer = this.outerStep();
    return outer ? this.callNested(outer, name, fn) : this.functions.run(name, fn, options);
  };

  readonly waitFor = (name: string, target: When): Promise<void> =>
    this.refusedInsideStep(name) ?? this.sleeps.waitFor(name, target);

  /** What ended while the run was parked completes now. */
  completeDue(now: number): void {
    this.sleeps.completeDue(now);
  }

  /** The step of this pass whose function makes the call. */
  private outerStep(): RunScope['step'] {
    const scope = runScope.getStore();
    return scope?.context === this.ledger.host.context ? scope.step : undefined;
  }

  private refusedInsideStep(name: string): Promise<never> | undefined {
    const outer = this.outerStep();
    if (!outer) return undefined;
    const refusal = Promise.reject(new NestedStepError({ runId: this.ledger.runId, outer: outer.name, inner: name }));
    refusal.catch(() => undefined);
    return refusal;
  }

  private async callNested<T>(
    outer: NonNullable<RunScope['step']>,
    name: string,
    fn: (step: StepContext) => T | Promise<T>,
  ): Promise<Stored<T>> {
    if (!this.warnedOfNesting) {
      this.warnedOfNesting = true;
      const message = `Step "${name}" was called inside step "${outer.name}": it is a part of it and not stored on its own.`;
      this.ledger.host.context.logger.warn(message);
    }
    return (await fn(outer.context)) as Stored<T>;
  }
}
