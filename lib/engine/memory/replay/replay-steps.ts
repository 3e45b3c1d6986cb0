import type { EventRef, ReceivedEvent } from '../../core/api/event.types.js';
import type { Duration, ErrorClass, Stored, When } from '../../core/api/values.types.js';
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
import { decodeError } from '../../core/payload/payload.js';
import type { MethodCall } from '../../worker/replay/method-calls.js';
import type { ContextSteps } from '../../worker/steps/step-host.js';
import type { Opening } from '../../worker/steps/step-ledger.js';
import type { StepRuntime } from '../../worker/steps/step-runtime.js';
import type { ReplayTrace } from './replay-trace.js';

/** What a step that is a function says of itself. */
interface FunctionStep {
  readonly errors?: readonly ErrorClass[] | undefined;
  /** If a `@Step()` method makes it. */
  readonly call?: MethodCall | undefined;
}

/**
 * The steps of a run that is replayed: those of the engine where something is recorded. All others are held, so that no function of a
 * step runs, and nothing is started, emitted or waited for.
 */
export class ReplaySteps implements ContextSteps {
  constructor(
    private readonly runtime: StepRuntime,
    private readonly trace: ReplayTrace,
    /** The run has ended well: no change of its code was asked for in it that is not recorded. */
    private readonly patches: ReadonlySet<string> | undefined,
  ) {}

  readonly run = <T>(name: string, _fn: (step: StepContext) => T | Promise<T>, options?: StepOptions): Promise<Stored<T>> =>
    this.recorded(name, 'r', () => this.runtime.run<T>(name, neverCalled, options), { errors: options?.errors });

  readonly runMethod = <T>(
    method: string,
    args: readonly unknown[],
    _fn: (step: StepContext) => T | Promise<T>,
    options: StepOptions,
  ): Promise<Stored<T>> => {
    const call = this.runtime.callOf(method, args);
    const replay = () => this.runtime.runCall<T>(method, call, neverCalled, options);
    return this.recorded(call?.name ?? method, 'r', replay, { errors: options.errors, call });
  };

  readonly waitFor = (name: string, target: When): Promise<void> =>
    this.recorded(name, 's', () => this.runtime.waitFor(name, target));

  readonly waitForEvent = <T = unknown>(name: string, wait: WaitForEvent<T>): Promise<ReceivedEvent<T> | null> =>
    this.recorded(name, 'e', () => this.runtime.waitForEvent(name, wait));

  readonly waitForAny = <W extends Record<string, AnyWait>>(name: string, waits: W): Promise<AnyOutcome<W>> =>
    this.recorded(name, 'a', () => this.runtime.waitForAny(name, waits));

  readonly runWorkflow = <I, O>(
    name: string,
    workflow: WorkflowRef<I, O>,
    input: I,
    options?: ChildOptions & { timeout?: Duration },
  ): Promise<O> => this.recorded(name, 'c', () => this.runtime.runWorkflow(name, workflow, input, options));

  readonly emitWorkflow = <I, O>(name: string, workflow: WorkflowRef<I, O>, input: I, options?: ChildOptions): Promise<string> =>
    this.recorded(name, 'm', () => this.runtime.emitWorkflow(name, workflow, input, options));

  readonly emitEvent = <T>(name: string, event: EventRef<T>, data: T, options?: StepEmitOptions): Promise<string[]> =>
    this.recorded(name, 'n', () => this.runtime.emitEvent(name, event, data, options));

  commit(): Promise<void> {
    return this.runtime.commit();
  }

  patched(id: string): Promise<boolean> {
    const answer = this.runtime.patched(id);
    return this.patches && !this.patches.has(id) ? answer.then(() => false) : answer;
  }

  private recorded<T>(name: string, kind: string, replay: () => Promise<T>, step: FunctionStep = {}): Promise<T> {
    const { ledger } = this.runtime;
    const call = this.trace.ask(name, kind);
    // A call with other arguments is refused by the engine, whatever is recorded.
    if (step.call?.mismatched !== undefined || !call.isOpen) {
      const outcome = replay();
      outcome.then(call.delivered, call.rejected);
      return outcome;
    }
    const hold: Opening<T> = (_resolve, reject) => () => {
      ledger.wait({ name, fire: () => undefined, abandon: reject });
      call.held((error) => {
        ledger.ended(name);
        const thrown = decodeError(error, ledger.host.errors.preferring(step.errors));
        ledger.deliver(ledger.nextOrder(), () => reject(thrown));
      });
    };
    const held = ledger.open(name, kind, hold, undefined, step.call !== undefined);
    held.then(call.delivered, call.rejected);
    return held;
  }
}

function neverCalled(): never {
  throw new Error('The function of a step was called in a replay.');
}
