import type { ClaimedRun } from '../redis/claim-runs.js';
import type { CommitBuffer } from '../redis/commit-buffer.js';
import { readRun } from '../redis/read-run.js';
import { releaseRun } from '../redis/release-run.js';
import type { RunData } from '../redis/stored-step.js';
import { hookWorkflow } from './failure-hook.js';
import type { ServedWorkflow } from './pass-host.js';

const LOAD_RETRY_DELAY_MS = 1_000;
const UNKNOWN_WORKFLOW_DELAY_MS = { first: 5_000, longest: 300_000 };

export interface IntakeHost {
  readonly buffer: CommitBuffer;
  readonly isStopping: boolean;
  execute(claimed: ClaimedRun, data: RunData, workflow: ServedWorkflow, now: number): void;
  warn(message: string, fields: object): void;
}

/** Takes in the runs that a worker was handed: finds what they need, or hands them back. */
export class RunIntake {
  /** Runs whose payloads are still being read. */
  private readonly reading = new Map<ClaimedRun, Promise<void>>();

  constructor(
    private readonly host: IntakeHost,
    private readonly workflows: ReadonlyMap<string, ServedWorkflow>,
    private readonly readData: (runId: string) => Promise<RunData>,
  ) {}

  /** How many are being read; each has its slot. */
  get size(): number {
    return this.reading.size;
  }

  loading(): Iterable<ClaimedRun> {
    return this.reading.keys();
  }

  async idle(): Promise<void> {
    await Promise.all(this.reading.values());
  }

  /** @param now Redis time of the claim */
  take(claimed: ClaimedRun, now: number): void {
    if (this.host.isStopping) {
      this.giveBack(claimed, 0);
      return;
    }
    const workflow = this.workflows.get(claimed.run.workflow);
    if (!workflow) this.refuseUnknown(claimed);
    else if (claimed.data && claimed.run.hookOf === undefined) this.host.execute(claimed, claimed.data, workflow, now);
    else {
      const reading = this.read(claimed, workflow, now).finally(() => this.reading.delete(claimed));
      this.reading.set(claimed, reading);
    }
  }

  /** The payloads of a run with many steps come in pages, and a failure hook needs the run that has failed. */
  private async read(claimed: ClaimedRun, workflow: ServedWorkflow, now: number): Promise<void> {
    try {
      const { id, hookOf } = claimed.run;
      const data = claimed.data ?? (await this.readData(id));
      const served = hookOf === undefined ? workflow : hookWorkflow(workflow, await this.host.buffer.add(readRun(hookOf)));
      if (this.host.isStopping) this.giveBack(claimed, 0);
      else this.host.execute(claimed, data, served, now);
    } catch (error) {
      this.host.warn(`Reading a run failed, it is handed back: ${(error as Error).message}`, { runId: claimed.run.id });
      this.giveBack(claimed, LOAD_RETRY_DELAY_MS);
    }
  }

  private refuseUnknown(claimed: ClaimedRun): void {
    const { id, workflow, handBacks } = claimed.run;
    const { first, longest } = UNKNOWN_WORKFLOW_DELAY_MS;
    const delayMs = Math.min(first * 2 ** handBacks, longest);
    this.host.warn(`Workflow "${workflow}" is not known to this worker; the run is handed back for ${delayMs} ms.`, {
      runId: id,
      workflow,
    });
    this.giveBack(claimed, delayMs, true);
  }

  private giveBack({ run, fence }: ClaimedRun, delayMs: number, unknown = false): void {
    const failed = (error: unknown) =>
      this.host.warn(`Handing a run back failed: ${(error as Error).message}`, { runId: run.id });
    this.host.buffer.add(releaseRun(run.id, fence, delayMs, unknown)).catch(failed);
  }
}
