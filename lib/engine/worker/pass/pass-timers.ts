import type { WorkflowContext } from '../../core/api/workflow.types.js';
import { LongTimer } from '../../core/async/long-timer.js';
import { RunTimeoutError } from '../../core/errors/index.js';
import type { StoredRun } from '../../redis/runs/stored-run.js';
import type { ServedWorkflow } from './pass-host.js';

/** What ends a pass that does not end by itself. */
export class PassTimers {
  /** Epoch ms at which the run fails, whatever it does or waits for then. One that compensates has none any more. */
  readonly deadline: number | undefined;
  private limit: number | undefined;
  private limitTimer: LongTimer | undefined;
  private grace: LongTimer | undefined;

  constructor(
    { startedAt, blockedMs, unwinding }: StoredRun,
    private readonly workflow: ServedWorkflow,
  ) {
    const { timeoutMs } = workflow.options;
    if (timeoutMs !== undefined && unwinding === undefined) this.deadline = (startedAt as number) + blockedMs + timeoutMs;
  }

  /** @param now Redis time of the claim @returns false if the run has no time left */
  begin(now: number): boolean {
    const { passTimeoutMs } = this.workflow;
    this.limit = passTimeoutMs === undefined ? this.deadline : now + passTimeoutMs;
    return this.limit === undefined || this.limit > now;
  }

  /** Also when the clock was moved. */
  watch(now: number, reached: () => void): void {
    this.limitTimer?.cancel();
    if (this.limit !== undefined) this.limitTimer = new LongTimer(this.limit - now, reached);
  }

  /** How long a handler and its functions may take to settle once they were told to. */
  giveGrace(ms: number, isOver: () => void): void {
    this.grace?.cancel();
    this.grace = new LongTimer(ms, isOver);
  }

  clear(): void {
    this.limitTimer?.cancel();
    this.grace?.cancel();
  }
}

/** What a run, or an attempt of a failure hook, fails with whose time is over. */
export function timeoutOf(
  { run: { id, workflow } }: WorkflowContext,
  { options, passTimeoutMs }: ServedWorkflow,
): RunTimeoutError {
  const ids = { runId: id, workflow };
  return passTimeoutMs === undefined
    ? new RunTimeoutError({ ...ids, timeoutMs: options.timeoutMs as number })
    : new RunTimeoutError({ ...ids, timeoutMs: passTimeoutMs, isHook: true });
}
