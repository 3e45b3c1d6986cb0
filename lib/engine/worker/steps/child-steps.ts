import type { AnyWorkflowRef, ChildOptions } from '../../core/api/workflow.types.js';
import { rejectUnknownKeys } from '../../core/checks/checks.js';
import { parsePositiveDuration } from '../../core/checks/duration.js';
import { ChildWorkflowError, IdempotencyConflictError, StepTimeoutError, WaitCircleError } from '../../core/errors/index.js';
import { childIdOf } from '../../core/ids.js';
import { decodeError, decodePayload, encodeError } from '../../core/payload/payload.js';
import { createIntercepted } from '../../creation/intercepted-creation.js';
import { prepareRun } from '../../creation/prepare-run.js';
import { rateLimited } from '../../creation/rate-limited.js';
import { type ChildStarted } from '../../redis/children/start-child.js';
import type { NewRun } from '../../redis/runs/create-run.js';
import { startUnlessRefused } from './refused-steps.js';
import type { Outcome, RemoteWaits } from './remote-waits.js';
import type { StepLedger } from './step-ledger.js';

export const CHILD_OPTIONS = ['runAt', 'queue', 'idempotencyKey', 'idempotencyTtl', 'priority', 'tags'] as const;

type Started = Extract<ChildStarted, { status: 'OK' }>;

interface Child {
  readonly name: string;
  readonly workflow: AnyWorkflowRef;
  readonly input: unknown;
  readonly options: ChildOptions;
  readonly timeoutMs?: number;
}

/** Steps that start other runs: `ctx.step.runWorkflow` and `ctx.step.emitWorkflow`. */
export class ChildSteps {
  constructor(
    private readonly ledger: StepLedger,
    private readonly remote: RemoteWaits,
  ) {}

  run<O>(
    name: string,
    workflow: AnyWorkflowRef,
    input: unknown,
    options: ChildOptions & { timeout?: number | string },
  ): Promise<O> {
    return this.ledger.open<O>(name, 'c', (resolve, reject) => {
      rejectUnknownKeys(options, [...CHILD_OPTIONS, 'timeout'], `step "${name}"`);
      const { timeout, ...rest } = options;
      const timeoutMs = timeout === undefined ? undefined : parsePositiveDuration(timeout, 'timeout');
      const child: Child = { name, workflow, input, options: rest, timeoutMs };
      const settle = (childRunId: string) => (outcome: Outcome) => {
        if (outcome.status === 's' || outcome.status === 'd') resolve(decodePayload(outcome.payload) as O);
        else reject(this.errorOf(name, childRunId, outcome));
      };
      return (stored) => {
        const known = this.ledger.data.children.get(name) ?? '';
        if (stored?.status === 'w') this.await(child, stored.moment || undefined, settle(known), reject);
        else if (stored && known !== '') this.ledger.deliver(stored.order, () => settle(known)(stored));
        else startUnlessRefused(this.ledger, { name, kind: 'c', stored, reject }, () => this.start(child, settle, reject));
      };
    });
  }

  emit(name: string, workflow: AnyWorkflowRef, input: unknown, options: ChildOptions): Promise<string> {
    return this.ledger.open<string>(name, 'm', (resolve, reject) => {
      rejectUnknownKeys(options, CHILD_OPTIONS, `step "${name}"`);
      return (stored) => {
        const start = () => this.start({ name, workflow, input, options }, undefined, reject, resolve);
        if (stored?.status === 's') this.ledger.deliver(stored.order, () => resolve(decodePayload(stored.payload) as string));
        else startUnlessRefused(this.ledger, { name, kind: 'm', stored, reject }, start);
      };
    });
  }

  /** How a wait ends whose time ran out. */
  timedOut(name: string, timeoutMs: number): { status: 'f'; payload: string } {
    return { status: 'f', payload: encodeError(new StepTimeoutError({ runId: this.ledger.runId, step: name, timeoutMs })) };
  }

  private async start(
    child: Child,
    settle: ((childRunId: string) => (outcome: Outcome) => void) | undefined,
    reject: (error: unknown) => void,
    emitted?: (childRunId: string) => void,
  ): Promise<void> {
    const { name, timeoutMs } = child;
    const { host, executedRunId } = this.ledger;
    const target = await host.worker.directory.find(child.workflow, false);
    const prepared = await prepareRun(target, child.input, child.options, host.worker.maxPayloadBytes);
    const run = { ...prepared, id: childIdOf(executedRunId, name), nonce: '' };
    let order = 0;
    const write = async (sealed: NewRun): Promise<Started | undefined> => {
      if (this.ledger.closed) return undefined;
      this.ledger.throwIfHalted();
      if (!settle) order = this.ledger.nextOrder();
      const step = { ...this.ledger.names.askedStep(name), waits: !!settle, order, timeoutMs };
      return this.checked(name, run, await host.journal.startChild({ ...step, child: sealed }));
    };
    const runIdOf = (written: Started | undefined) => written?.childRunId ?? run.id;
    const started = await createIntercepted(host.worker, run, { by: 'step', write, runIdOf });
    if (!started || this.ledger.closed) return;
    this.ledger.data.children.set(name, started.childRunId);
    if (settle) {
      this.await(child, started.wakeAt, settle(started.childRunId), reject);
      // It may have ended before, under its idempotency key.
      if (child.options.idempotencyKey !== undefined) await this.remote.refresh();
    } else {
      this.ledger.deliverNew(order, () => emitted?.(started.childRunId));
    }
  }

  /** Undefined when the pass is over. @throws if Redis has refused to start it */
  private checked(step: string, { id, workflow, admission }: NewRun, started: ChildStarted): Started | undefined {
    switch (started.status) {
      case 'OK':
        return started;
      case 'CANCELED':
        throw this.ledger.host.canceled(started.reason);
      case 'CONFLICT':
        throw new IdempotencyConflictError({ existingRunId: id, workflow, runId: id, problem: 'workflow' });
      case 'KEY':
      case 'MUTEX': {
        const ids = { runId: this.ledger.runId, step, otherRunId: started.otherRunId, workflow };
        throw new WaitCircleError({ ...ids, through: started.status === 'KEY' ? 'idempotencyKey' : 'mutex' });
      }
      case 'LIMITED':
        throw rateLimited({ workflow, admission }, started.retryAfterMs);
      default:
        return undefined;
    }
  }

  private await(
    child: Child,
    wakeAt: number | undefined,
    settle: (outcome: Outcome) => void,
    reject: (error: unknown) => void,
  ): void {
    const { name, timeoutMs = 0 } = child;
    this.remote.add({ name, kind: 'c', wakeAt, settle, reject, timedOut: () => this.timedOut(name, timeoutMs) });
  }

  private errorOf(step: string, childRunId: string, { status, payload }: Outcome): Error {
    const error = decodeError(payload, this.ledger.host.errors);
    return status === 'k' ? new ChildWorkflowError({ runId: this.ledger.runId, step, childRunId, cause: error }) : error;
  }
}
