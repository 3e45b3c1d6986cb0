import { CodecError } from '../../core/errors/index.js';
import { within } from '../../redis/connection/deadline.js';
import { readRun } from '../../redis/queries/read-run.js';
import { isRunSealed, openRunData } from '../../redis/run-data/open-run-data.js';
import { readRunData } from '../../redis/run-data/read-run-data.js';
import type { ClaimedRun, HandedOut, UnreadableRun } from '../../redis/runs/claim-runs.js';
import type { RunData } from '../../redis/steps/stored-step.js';
import { hookWorkflow } from '../pass/failure-hook.js';
import type { HandBacks } from '../pass/hand-backs.js';
import { unfitDelayOf } from '../pass/pass-ending.js';
import type { ServedWorkflow } from '../pass/pass-host.js';
import type { WorkerContext } from '../worker-context.js';
import type { ServedWorkflows } from './served-workflows.js';

const LOAD_RETRY_DELAY_MS = 1_000;
/** For a run that only another version of the package may be able to read. */
const UNREADABLE_DELAY_MS = 60_000;

/** What the intake asks its worker, and tells it. */
export interface IntakeCallbacks {
  isStopping(): boolean;
  /** All that a run needs is there. */
  execute(claimed: ClaimedRun, data: RunData, workflow: ServedWorkflow, now: number): void;
}

/** Takes in the runs that a worker was handed: finds what they need, or hands them back. */
export class RunIntake {
  /** Runs whose payloads are still being read. */
  private readonly reading = new Map<ClaimedRun, Promise<void>>();

  constructor(
    private readonly context: Pick<WorkerContext, 'buffer' | 'connection' | 'keys' | 'sealer' | 'warn'>,
    private readonly workflows: ServedWorkflows,
    private readonly handBacks: HandBacks,
    private readonly callbacks: IntakeCallbacks,
  ) {}

  /** How many are being read; each has its slot. */
  get size(): number {
    return this.reading.size;
  }

  loading(): Iterable<ClaimedRun> {
    return this.reading.keys();
  }

  /** Resolves when nothing is being read. What takes longer, as with a codec that hangs, is handed back. */
  async idle(limitMs: number): Promise<void> {
    await within(limitMs, 'Reading runs', Promise.all(this.reading.values())).catch(() => undefined);
    for (const claimed of [...this.reading.keys()]) {
      this.reading.delete(claimed);
      this.giveBack(claimed, 0);
    }
  }

  takeAll({ runs, unreadable, now }: HandedOut): void {
    for (const claimed of runs) this.take(claimed, now);
    for (const run of unreadable) this.refuseUnreadable(run);
  }

  /** @param now Redis time of the claim */
  private take(claimed: ClaimedRun, now: number): void {
    const workflow = this.workflows.for(claimed.run);
    // Where one set of workers lives, Redis does not look at what it serves until it is told.
    if (!workflow) this.handBacks.putAside(claimed);
    else if (this.callbacks.isStopping()) this.giveBack(claimed, 0);
    else if (claimed.data && claimed.run.hookOf === undefined && !isRunSealed(claimed.data)) {
      try {
        this.callbacks.execute(claimed, claimed.data, workflow, now);
      } catch (error) {
        this.handBackUnread(claimed, error as Error);
      }
    } else {
      const reading = this.read(claimed, workflow, now).finally(() => this.reading.delete(claimed));
      this.reading.set(claimed, reading);
    }
  }

  private refuseUnreadable({ id, fence, error }: UnreadableRun): void {
    this.context.warn(`A run cannot be read and is handed back for ${UNREADABLE_DELAY_MS} ms: ${error.message}`, { runId: id });
    this.handBacks.add(id, fence, UNREADABLE_DELAY_MS, true);
  }

  /** Many steps come in pages, what a codec has made is opened, and a failure hook needs the run that has failed. */
  private async read(claimed: ClaimedRun, workflow: ServedWorkflow, now: number): Promise<void> {
    try {
      const { id, hookOf } = claimed.run;
      const { buffer, connection, keys, sealer } = this.context;
      const stored = claimed.data ?? (await readRunData(buffer, connection, keys, id));
      const data = isRunSealed(stored) ? await openRunData(stored, id, sealer) : stored;
      const served = hookOf === undefined ? workflow : hookWorkflow(workflow, await buffer.add(readRun(hookOf)), data);
      if (!this.reading.has(claimed)) return;
      if (this.callbacks.isStopping()) this.giveBack(claimed, 0);
      else this.callbacks.execute(claimed, data, served, now);
    } catch (error) {
      if (this.reading.has(claimed)) this.handBackUnread(claimed, error as Error);
    }
  }

  private handBackUnread(claimed: ClaimedRun, error: Error): void {
    this.context.warn(`Reading a run failed, it is handed back: ${error.message}`, { runId: claimed.run.id });
    if (error instanceof CodecError) this.giveBack(claimed, unfitDelayOf(claimed.run), true);
    else this.giveBack(claimed, LOAD_RETRY_DELAY_MS);
  }

  /** @param unfit another worker may be able to execute it */
  private giveBack({ run, fence }: ClaimedRun, delayMs: number, unfit = false): void {
    this.handBacks.add(run.id, fence, delayMs, unfit);
  }
}
