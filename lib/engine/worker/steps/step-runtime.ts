import type { EventRef, ReceivedEvent } from '../../core/api/event.types.js';
import type { Duration, Stored, When } from '../../core/api/values.types.js';
import type {
  AnyOutcome,
  AnyWait,
  ChildOptions,
  StepContext,
  StepEmitOptions,
  StepOptions,
  WaitForEvent,
  WorkflowRef,
} from '../../core/api/workflow.types.js';
import { NestedStepError } from '../../core/errors/index.js';
import { describeError, errorForLog } from '../../core/payload/stored-error.js';
import { type RunScope, runScope } from '../../core/run-scope.js';
import { NO_EVENT, timerWon } from '../../redis/steps/stored-outcome.js';
import type { RunData, StoredStep } from '../../redis/steps/stored-step.js';
import { type MethodCall, MethodCalls } from '../replay/method-calls.js';
import { PatchAnswers } from '../replay/patch-answers.js';
import { isExpected } from '../replay/replay-guard.js';
import { AnySteps } from './any-steps.js';
import { ChildSteps } from './child-steps.js';
import { EventSteps } from './event-steps.js';
import { RunSteps } from './function-steps.js';
import type { StepWrite } from './pass-journal.js';
import { type Outcome, RemoteWaits } from './remote-waits.js';
import { SleepSteps } from './sleep-steps.js';
import type { ContextSteps, StepHost } from './step-host.js';
import { StepLedger } from './step-ledger.js';

/** `ctx.step` of one pass: decides what a call means where it is made, and leaves the rest to the kinds of steps. */
export class StepRuntime implements ContextSteps {
  readonly ledger: StepLedger;
  readonly functions: RunSteps;
  readonly remote: RemoteWaits;
  private readonly sleeps: SleepSteps;
  private readonly children: ChildSteps;
  private readonly events: EventSteps;
  private readonly anyOf: AnySteps;
  private patches: PatchAnswers | undefined;
  private methodCalls: MethodCalls | undefined;
  private warnedOfNesting = false;
  private points = 0;

  constructor(host: StepHost, data: RunData) {
    this.ledger = new StepLedger(host, data);
    this.functions = new RunSteps(this.ledger);
    this.sleeps = new SleepSteps(this.ledger);
    this.remote = new RemoteWaits(this.ledger);
    this.children = new ChildSteps(this.ledger, this.remote);
    this.events = new EventSteps(this.ledger, this.remote);
    this.anyOf = new AnySteps(this.ledger, this.remote);
  }

  readonly run = <T>(name: string, fn: (step: StepContext) => T | Promise<T>, options?: StepOptions): Promise<Stored<T>> => {
    const outer = this.outerStep();
    return outer ? this.callNested(outer, name, fn) : this.functions.run(name, fn, options, undefined);
  };

  readonly runMethod = <T>(
    method: string,
    args: readonly unknown[],
    fn: (step: StepContext) => T | Promise<T>,
    options: StepOptions,
  ): Promise<Stored<T>> => this.runCall(method, this.callOf(method, args), fn, options);

  /** Numbers a call of a `@Step()` method; undefined inside of a step, where it is a plain one. */
  callOf(method: string, args: readonly unknown[]): MethodCall | undefined {
    if (this.outerStep()) return undefined;
    this.methodCalls ??= new MethodCalls(this.ledger.host, this.ledger.data);
    return this.methodCalls.next(method, args);
  }

  /** @param call what {@link callOf} has made of it */
  runCall<T>(
    method: string,
    call: MethodCall | undefined,
    fn: (step: StepContext) => T | Promise<T>,
    options: StepOptions | undefined,
  ): Promise<Stored<T>> {
    return call ? this.functions.run(call.name, fn, options, call) : this.run(method, fn, options);
  }

  readonly waitFor = (name: string, target: When): Promise<void> =>
    this.refusedInsideStep(name) ?? this.sleeps.waitFor(name, target);

  readonly runWorkflow = <I, O>(
    name: string,
    workflow: WorkflowRef<I, O>,
    input: I,
    options: ChildOptions & { timeout?: Duration } = {},
  ): Promise<O> => this.refusedInsideStep(name) ?? this.children.run<O>(name, workflow, input, options);

  readonly emitWorkflow = <I, O>(
    name: string,
    workflow: WorkflowRef<I, O>,
    input: I,
    options: ChildOptions = {},
  ): Promise<string> => this.refusedInsideStep(name) ?? this.children.emit(name, workflow, input, options);

  readonly waitForEvent = <T = unknown>(name: string, wait: WaitForEvent<T>): Promise<ReceivedEvent<T> | null> =>
    this.refusedInsideStep(name) ?? this.events.waitFor(name, wait);

  readonly waitForAny = <W extends Record<string, AnyWait>>(name: string, waits: W): Promise<AnyOutcome<W>> =>
    this.refusedInsideStep(name) ?? this.anyOf.waitFor(name, waits);

  readonly emitEvent = <T>(name: string, event: EventRef<T>, data: T, options: StepEmitOptions = {}): Promise<string[]> =>
    this.refusedInsideStep(name) ?? this.events.emit(name, event, data, options);

  /** A point of no return; the handler's n-th is the same one on every pass. */
  commit(): Promise<void> {
    const refused = this.refusedInsideStep('ctx.commit()');
    if (refused) return refused;
    const { ledger } = this;
    const number = ++this.points;
    if (ledger.closed) return new Promise(() => undefined);
    if (number <= (ledger.data.point?.number ?? 0)) return Promise.resolve();
    const passed = new Promise<void>((resolve, reject) => {
      ledger.throwIfHalted();
      ledger.begin(async () => {
        const hasOpen = ledger.undoables.passPoint();
        await ledger.host.journal.passPoint({ number, order: ledger.nextOrder(), hasOpen });
        resolve();
      }, reject);
    });
    // Whoever does not await it learns nothing from its rejection.
    passed.catch(() => undefined);
    return passed;
  }

  patched(id: string): Promise<boolean> {
    this.patches ??= new PatchAnswers(this.ledger);
    return this.patches.settled(id) ?? this.refusedInsideStep('ctx.patched()') ?? this.patches.ask(id);
  }

  /** Names of the steps whose functions run, and of the open waits. */
  unfinished(): string[] {
    const { active } = this.functions;
    return active.size + this.ledger.waits.size === 0
      ? []
      : [...[...active].map(({ init }) => init.name), ...this.ledger.waits.names()];
  }

  /** What ended while the run was parked completes now, in the order in which it ended. */
  completeEnded(now: number): void {
    const { data } = this.ledger;
    const ended = [...data.steps].filter(([, step]) => hasEnded(step, now));
    for (const [name, stored] of ended.sort(([, a], [, b]) => a.moment - b.moment)) {
      // One that a failure excuses would be missed from now on: its place comes behind that failure's.
      const open = isExpected(name, data) ? stored : { ...stored, asked: undefined };
      data.steps.set(name, open);
      const order = this.ledger.nextStoredOrder();
      data.steps.set(name, { ...open, order, ...this.complete(name, open, order, now) });
    }
  }

  private complete(name: string, stored: StoredStep, order: number, now: number): Outcome {
    const { kind, status, payload, startedAt, moment } = stored;
    if (status !== 'w') {
      this.ledger.host.journal.adoptOutcome(this.ledger.names.askedStep(name), order);
      return { status: status === 'd' ? 's' : 'k', payload };
    }
    const record = { name, order, attempt: 1, base: 0, elapsedMs: Math.max(0, now - startedAt) };
    const outcome = this.timedOut(name, stored, moment - startedAt);
    this.ledger.commit({ ...record, kind: kind as StepWrite['kind'], ...outcome });
    return outcome;
  }

  /** How a wait ends whose time ran out while the run was parked. */
  private timedOut(name: string, { kind, payload }: StoredStep, timeoutMs: number): Pick<StepWrite, 'status' | 'payload'> {
    switch (kind) {
      case 'c':
        return this.children.timedOut(name, timeoutMs);
      case 'e':
        return { status: 's', payload: NO_EVENT };
      case 'a':
        return { status: 's', payload: timerWon(payload) };
      default:
        return { status: 's', payload: '' };
    }
  }

  /** A park found a wait already over: the pass goes on. */
  async resume(now: number): Promise<void> {
    await this.remote.refresh();
    this.ledger.resume(now);
  }

  /** The step of this pass whose function makes the call. */
  private outerStep(): RunScope['step'] {
    const scope = runScope.getStore();
    return scope?.context === this.ledger.host.context ? scope.step : undefined;
  }

  /** A rejection if the call comes from inside a step's function. */
  refusedInsideStep(name: string): Promise<never> | undefined {
    const outer = this.outerStep();
    if (!outer) return undefined;
    const refusal = Promise.reject(new NestedStepError({ runId: this.ledger.runId, outer: outer.name, inner: name }));
    refusal.catch(() => undefined);
    return refusal;
  }

  private callNested<T>(
    outer: NonNullable<RunScope['step']>,
    name: string,
    fn: (step: StepContext) => T | Promise<T>,
  ): Promise<Stored<T>> {
    const { logger } = this.ledger.host.context;
    if (!this.warnedOfNesting) {
      this.warnedOfNesting = true;
      const message = `Step "${name}" was called inside step "${outer.name}": it is a part of it and not stored on its own.`;
      logger.warn(message);
    }
    const called = (async () => (await fn(outer.context)) as Stored<T>)();
    // A promise of ours: one that nobody awaits must not end the process.
    called.catch((error: unknown) => {
      const message = `Step "${name}", a part of step "${outer.name}", failed: ${describeError(error)}`;
      logger.warn(message, { error: errorForLog(error) });
    });
    return called;
  }
}

/** Ended from outside, or a wait whose time is up. A step that waits for its next attempt is not over. */
function hasEnded({ kind, status, order, moment }: StoredStep, now: number): boolean {
  if (order === 0 && (status === 'd' || status === 'k')) return true;
  return status === 'w' && kind !== 'r' && moment <= now && (moment > 0 || kind === 's');
}
