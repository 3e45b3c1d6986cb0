import type { PassCall, PassOutcome, RunHeaders } from '../../core/api/interceptor.types.js';
import type { RunInfo } from '../../core/api/run.types.js';
import { decodePayload } from '../../core/payload/payload.js';
import type { StoredRun } from '../../redis/runs/stored-run.js';
import type { RunData } from '../../redis/steps/stored-step.js';
import type { StepWorker } from '../steps/step-host.js';
import type { RunContext } from './run-context.js';
import { interceptedRun } from './watched-run.js';

export interface InterceptablePass {
  readonly run: StoredRun;
  readonly data: RunData;
  readonly context: RunContext;
  readonly worker: Pick<StepWorker, 'interceptors'>;
  onEnded: ((outcome: PassOutcome) => void) | undefined;
}

/** Executes a handler through the interceptors of its worker: what they come to is what the handler comes to. */
export function aroundPass<T>(pass: InterceptablePass, execute: () => Promise<T>): Promise<T> {
  const { pass: intercept } = pass.worker.interceptors;
  return intercept ? (intercept(new InterceptedPass(pass), execute) as Promise<T>) : execute();
}

/** What the interceptors of a pass are told. */
export class InterceptedPass implements PassCall {
  readonly kind: PassCall['kind'];
  readonly run: RunInfo;
  readonly storedSteps: number;
  readonly headers: Readonly<RunHeaders>;
  readonly ended: Promise<PassOutcome>;

  constructor(pass: InterceptablePass) {
    const { run, data } = pass;
    const ofHandler = run.hookOf === undefined ? 'handler' : 'failureHook';
    this.kind = run.unwinding === undefined ? ofHandler : 'compensation';
    this.run = interceptedRun(pass.context.run);
    let stored = 0;
    for (const { order } of data.steps.values()) if (order > 0) stored++;
    this.storedSteps = stored;
    this.headers = data.headers === undefined ? {} : (decodePayload(data.headers) as RunHeaders);
    this.ended = new Promise((resolve) => {
      pass.onEnded = resolve;
    });
  }
}
