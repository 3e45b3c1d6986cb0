import type { AnyOutcome, AnyWait } from '../../core/api/workflow.types.js';
import { rejectUnknownKeys } from '../../core/checks/checks.js';
import { describeValue } from '../../core/checks/describe-value.js';
import { parseWhen } from '../../core/checks/duration.js';
import { checkStepName } from '../../core/checks/text-checks.js';
import { ChildWorkflowError, IdempotencyConflictError, InvalidOptionError } from '../../core/errors/index.js';
import { branchChildIdOf } from '../../core/ids.js';
import { decodeError } from '../../core/payload/payload.js';
import { createAllIntercepted } from '../../creation/intercepted-creation.js';
import { prepareRun } from '../../creation/prepare-run.js';
import { rateLimited } from '../../creation/rate-limited.js';
import type { NewRun } from '../../redis/runs/create-run.js';
import { parseWinner, timerWon, winningValue } from '../../redis/steps/stored-outcome.js';
import { hasWinner } from '../../redis/steps/stored-step.js';
import type { AnyAwaited, Branch } from '../../redis/waits/await-any.js';
import { CHILD_OPTIONS } from './child-steps.js';
import { resolveEventWait } from './event-steps.js';
import { startUnlessRefused } from './refused-steps.js';
import type { Outcome, RemoteWaits } from './remote-waits.js';
import type { StepLedger } from './step-ledger.js';

type Registered = Extract<AnyAwaited, { status: 'OK' }>;

/** A branch whose options are checked; a child is prepared when the step begins. */
type Opened = Branch | { readonly name: string; readonly start: () => Promise<Branch> };

/** Steps that wait for the first of several: `ctx.step.waitForAny`. */
export class AnySteps {
  constructor(
    private readonly ledger: StepLedger,
    private readonly remote: RemoteWaits,
  ) {}

  waitFor<W extends Record<string, AnyWait>>(name: string, waits: W): Promise<AnyOutcome<W>> {
    return this.ledger.open<AnyOutcome<W>>(name, 'a', (resolve, reject) => {
      const branches = this.branchesOf(name, waits);
      const settle = (outcome: Outcome) => {
        const winner = parseWinner(outcome.payload);
        if (outcome.status === 's' || outcome.status === 'd')
          resolve({ winner: winner.branch, value: winningValue(winner) } as AnyOutcome<W>);
        else {
          const cause = decodeError(winner.payload, this.ledger.host.errors);
          reject(new ChildWorkflowError({ runId: this.ledger.runId, step: name, childRunId: winner.childRunId ?? '', cause }));
        }
      };
      const register = (wakeAt: number | undefined, timer: string) =>
        this.remote.add({ name, kind: 'a', wakeAt, timedOut: () => ({ status: 's', payload: timerWon(timer) }), settle, reject });
      return (stored) => {
        if (stored?.status === 'w') register(stored.moment || undefined, stored.payload);
        else if (stored && hasWinner(stored)) this.ledger.deliver(stored.order, () => settle(stored));
        else startUnlessRefused(this.ledger, { name, kind: 'a', stored, reject }, () => this.start(name, branches, register));
      };
    });
  }

  private async start(
    name: string,
    opened: readonly Opened[],
    register: (wakeAt: number | undefined, timer: string) => void,
  ): Promise<void> {
    const branches = await Promise.all(opened.map((branch) => ('start' in branch ? branch.start() : branch)));
    const children = branches.flatMap((branch) => ('child' in branch ? [branch.child] : []));
    const write = async (sealed: NewRun[]): Promise<Registered | undefined> => {
      if (this.ledger.closed) return undefined;
      this.ledger.throwIfHalted();
      const sent = branches.map((branch) =>
        'child' in branch ? { name: branch.name, child: sealed.shift() as NewRun } : branch,
      );
      return this.checked(children, await this.ledger.host.journal.awaitAny(this.ledger.names.askedStep(name), sent));
    };
    const awaited = await createAllIntercepted(this.ledger.host.worker, children, { by: 'step', write });
    if (!awaited || this.ledger.closed) return;
    register(awaited.wakeAt, awaited.timer);
    if (awaited.isOver) await this.remote.refresh();
  }

  /** Undefined when the pass is over. @throws if Redis has refused to start one of them */
  private checked(children: readonly NewRun[], awaited: AnyAwaited): Registered | undefined {
    switch (awaited.status) {
      case 'OK':
        return awaited;
      case 'CANCELED':
        throw this.ledger.host.canceled(awaited.reason);
      case 'LIMITED':
        throw rateLimited(childOf(children, awaited.childRunId), awaited.retryAfterMs);
      case 'CONFLICT': {
        const { id, workflow } = childOf(children, awaited.childRunId);
        throw new IdempotencyConflictError({ existingRunId: id, workflow, runId: id, problem: 'workflow' });
      }
      default:
        return undefined;
    }
  }

  private branchesOf(step: string, waits: Record<string, AnyWait>): Opened[] {
    const entries = typeof waits === 'object' && waits !== null ? Object.entries(waits) : [];
    if (entries.length === 0) {
      throw new InvalidOptionError('waits', `Expected step "${step}" to be given at least one wait; got ${describeValue(waits)}`);
    }
    return entries.map(([name, wait]) => this.branchOf(step, name, wait));
  }

  private branchOf(step: string, name: string, wait: AnyWait): Opened {
    checkStepName(name);
    const where = `wait "${name}" of step "${step}"`;
    if (typeof wait === 'object' && wait !== null) {
      if ('for' in wait) {
        rejectUnknownKeys(wait, ['for'], where);
        return { name, timer: parseWhen(wait.for, `${name}.for`) };
      }
      if ('event' in wait) {
        rejectUnknownKeys(wait, ['event', 'correlationKey', 'lookback'], where);
        return { name, event: resolveEventWait(wait) };
      }
      if ('workflow' in wait) {
        rejectUnknownKeys(wait, ['workflow', 'input', ...CHILD_OPTIONS], where);
        return { name, start: () => this.childOf(step, name, wait) };
      }
    }
    throw new InvalidOptionError(
      name,
      `Expected ${where} to be { for: when }, { event, correlationKey } or { workflow, input }; got ${describeValue(wait)}`,
    );
  }

  private async childOf(step: string, name: string, wait: Extract<AnyWait, { workflow: unknown }>): Promise<Branch> {
    const { workflow, input, ...options } = wait;
    const { host, executedRunId } = this.ledger;
    const run = await prepareRun(await host.worker.directory.find(workflow, false), input, options, host.worker.maxPayloadBytes);
    const child = { ...run, id: branchChildIdOf(executedRunId, step, name), nonce: '' };
    return { name, child };
  }
}

function childOf(children: readonly NewRun[], childRunId: string): NewRun {
  return children.find(({ id }) => id === childRunId) as NewRun;
}
