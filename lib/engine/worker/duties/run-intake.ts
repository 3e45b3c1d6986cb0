import { CodecError } from '../../core/errors/index.js';
import type { Sealer } from '../../core/payload/sealer.js';
import { within } from '../../redis/connection/deadline.js';
import { readRun } from '../../redis/queries/read-run.js';
import { isRunSealed, openRunData } from '../../redis/run-data/open-run-data.js';
import type { ClaimedRun, HandedOut, UnreadableRun } from '../../redis/runs/claim-runs.js';
import type { WriteBuffer } from '../../redis/script/write-buffer.js';
import type { RunData } from '../../redis/steps/stored-step.js';
import { hookWorkflow } from '../pass/failure-hook.js';
import type { HandBacks } from '../pass/hand-backs.js';
import { unfitDelayOf } from '../pass/pass-ending.js';
import type { ServedWorkflow } from '../pass/pass-host.js';
import type { ServedWorkflows } from './served-workflows.js';

const LOAD_RETRY_DELAY_MS = 1_000;
/** For a run that only another version of the package may be able to read. */
const UNREADABLE_DELAY_MS = 60_000;

export interface IntakeHost {
  readonly buffer: WriteBuffer;
  readonly handBacks: HandBacks;
  readonly isStopping: boolean;
  readonly sealer: Sealer;
  execute(claimed: ClaimedRun, data: RunData, workflow: ServedWorkflow, now: number): void;
  warn(message: string, fields: object): void;
}

/** Takes in the runs that a worker was handed: finds what they need, or hands them back. */
export class RunIntake {
  /** Runs whose payloads are still being read. */
  private readonly reading = new Map<ClaimedRun, Promise<void>>();

  constructor(
    private readonly host: IntakeHost,
    private readonly workflows: ServedWorkflows,
    private readonly readData: (runId: string) => Promise<RunData>,
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
    if (!workflow) this.host.handBacks.putAside(claimed);
    else if (this.host.isStopping) this.giveBack(claimed, 0);
    else if (claimed.data && claimed.run.hookOf === undefined && !isRunSealed(claimed.data)) {
      try {
        this.host.execute(claimed, claimed.data, workflow, now);
      } catch (error) {
        this.handBackUnread(claimed, error as Error);
      }
    } else {
      const reading = this.read(claimed, workflow, now).finally(() => this.reading.delete(claimed));
      this.reading.set(claimed, reading);
    }
  }

  private refuseUnreadable({ id, fence, error }: UnreadableRun): void {
    this.host.warn(`A run cannot be read and is handed back for ${UNREADABLE_DELAY_MS} ms: ${error.message}`, { runId: id });
    this.host.handBacks.add(id, fence, UNREADABLE_DELAY_MS, true);
  }

  /** Many steps come in pages, what a codec has made is opened, and a failure hook needs the run that has failed. */
  private async read(claimed: ClaimedRun, workflow: ServedWorkflow, now: number): Promise<void> {
    try {
      const { id, hookOf } = claimed.run;
      const stored = claimed.data ?? (await this.readData(id));
      const data = isRunSealed(stored) ? await openRunData(stored, id, this.host.sealer) : stored;
      const served = hookOf === undefined ? workflow : hookWorkflow(workflow, await this.host.buffer.add(readRun(hookOf)), data);
      if (!this.reading.has(claimed)) return;
      if (this.host.isStopping) this.giveBack(claimed, 0);
      else this.host.execute(claimed, data, served, now);
    } catch (error) {
      if (this.reading.has(claimed)) this.handBackUnread(claimed, error as Error);
    }
  }

  private handBackUnread(claimed: ClaimedRun, error: Error): void {
    this.host.warn(`Reading a run failed, it is handed back: ${error.message}`, { runId: claimed.run.id });
    if (error instanceof CodecError) this.giveBack(claimed, unfitDelayOf(claimed.run), true);
    else this.giveBack(claimed, LOAD_RETRY_DELAY_MS);
  }

  /** @param unfit another worker may be able to execute it */
  private giveBack({ run, fence }: ClaimedRun, delayMs: number, unfit = false): void {
    this.host.handBacks.add(run.id, fence, delayMs, unfit);
  }
}
