import type { ReceivedEvent } from '../../core/api/event.types.js';
import type { LoggerPort } from '../../core/api/values.types.js';
import type { WorkflowContext } from '../../core/api/workflow.types.js';
import { LazyAbort } from '../../core/async/lazy-abort.js';
import { runScope } from '../../core/run-scope.js';
import { receivedEvent } from '../../redis/events/stored-event.js';
import type { ContextSteps } from '../steps/step-host.js';
import { type PassWithInput, RunInput } from './run-input.js';
import { RunLogger } from './run-logger.js';
import { WatchedRun } from './watched-run.js';

/** The context of one pass. */
export class RunContext implements WorkflowContext {
  readonly run: WorkflowContext['run'];
  readonly schedule: WorkflowContext['schedule'];
  input: unknown;
  step!: ContextSteps;
  /** The handler has looked at its attempt, or whether its signal is aborted: the same handler may go another way in another pass. */
  hasLooked = false;
  private readonly abortion = new LazyAbort((signal) => watchAborted(signal, () => this.looked()));
  private runLogger: RunLogger | undefined;
  private runInput: RunInput | undefined;

  constructor(
    private readonly pass: PassWithInput,
    maxAttempts: number,
    private readonly baseLogger: LoggerPort,
  ) {
    const stored = pass.run;
    this.run = new WatchedRun(stored, maxAttempts, this);
    const { scheduleId: id, scheduledFor: instant } = stored;
    if (id !== undefined && instant !== undefined) this.schedule = { id, instant };
  }

  get event(): ReceivedEvent | undefined {
    const { event, input } = this.pass.data;
    return event === undefined ? undefined : receivedEvent(event, input);
  }

  get signal(): AbortSignal {
    return this.abortion.signal;
  }

  /** What the function of a step looks at does not lead the handler. */
  looked(): void {
    if (!this.hasLooked && runScope.getStore()?.step === undefined) this.hasLooked = true;
  }

  get logger(): LoggerPort {
    this.runLogger ??= new RunLogger(this.baseLogger, this.run);
    return this.runLogger;
  }

  get inputs(): RunInput {
    this.runInput ??= new RunInput(this.pass, this);
    return this.runInput;
  }

  commit(): Promise<void> {
    return this.step.commit();
  }

  patched(id: string): Promise<boolean> {
    return this.step.patched(id);
  }

  abort(reason: unknown): void {
    this.abortion.abort(reason);
  }
}

/** Tells when somebody asks a signal whether it is aborted. */
function watchAborted(signal: AbortSignal, looked: () => void): void {
  const prototype = Object.getPrototypeOf(signal) as AbortSignal;
  const aborted = () => Reflect.get(prototype, 'aborted', signal) as boolean;
  Object.defineProperties(signal, {
    aborted: {
      get: () => {
        looked();
        return aborted();
      },
    },
    throwIfAborted: {
      value: () => {
        looked();
        prototype.throwIfAborted.call(signal);
      },
    },
  });
}

/** The input of the run that a handler was called for, on its way to it. */
export function runInputOf(context: WorkflowContext): RunInput {
  return (context as RunContext).inputs;
}

/** The steps of a run, as `@Step()` methods call them. */
export function methodStepsOf(context: WorkflowContext): Pick<ContextSteps, 'runMethod'> {
  return (context as RunContext).step;
}
