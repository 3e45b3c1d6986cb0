import { backOffRun } from '../redis/back-off-run.js';
import type { CommitBuffer } from '../redis/commit-buffer.js';
import { commitStep, type StepCommit, type StepCommitted } from '../redis/commit-step.js';
import { finishRun } from '../redis/finish-run.js';
import type { Op, WriteStatus } from '../redis/op.js';
import { type Parked, parkRun } from '../redis/park-run.js';
import { releaseRun } from '../redis/release-run.js';
import { storeProgress } from '../redis/store-progress.js';

export type StepWrite = Omit<StepCommit, 'runId' | 'fence'>;

/**
 * What one pass writes, in order, each write with the fence of its claim. A refused write ends the pass: `onLost` is called and the
 * promise of the write stays open, so that nothing goes on after it.
 */
export class PassJournal {
  private lastWrite: Promise<unknown> | undefined;
  private closed = false;

  constructor(
    private readonly buffer: CommitBuffer,
    private readonly runId: string,
    private readonly fence: string,
    private readonly onLost: () => void,
    private readonly onRefused: (error: Error) => void,
  ) {}

  /** Resolves when everything written so far is acknowledged; undefined when it already is. */
  settled(): Promise<unknown> | undefined {
    return this.lastWrite;
  }

  commitStep(step: StepWrite): Promise<StepCommitted> {
    return this.write(commitStep({ runId: this.runId, fence: this.fence, ...step }), ({ status }) => status);
  }

  progress(step: string, payload: string): Promise<unknown> {
    return this.write(storeProgress(this.runId, this.fence, step, payload), (status) => status);
  }

  park(deadline: number | undefined, steps: readonly string[]): Promise<Parked> {
    return this.write(parkRun(this.runId, this.fence, deadline, steps), ({ status }) => status);
  }

  finish(outcome: 'succeeded' | 'failed', payload: string): Promise<unknown> {
    return this.last(finishRun(this.runId, this.fence, outcome, payload));
  }

  backOff(delayMs: number, deadline: number | undefined, error: string): Promise<unknown> {
    return this.last(backOffRun({ runId: this.runId, fence: this.fence, delayMs, deadline, error }));
  }

  release(delayMs: number): Promise<unknown> {
    // Also when the last write of the pass was refused: the run must not stay with a worker that does nothing for it.
    this.closed = false;
    return this.last(releaseRun(this.runId, this.fence, delayMs));
  }

  /** The pass is over: what its code still writes goes nowhere. */
  close(): void {
    this.closed = true;
  }

  private last(op: Op<WriteStatus>): Promise<WriteStatus> {
    const written = this.write(op, (status) => status);
    this.close();
    return written;
  }

  private write<T>(op: Op<T>, statusOf: (reply: T) => string): Promise<T> {
    if (this.closed) return new Promise(() => undefined);
    const written = new Promise<T>((resolve) => {
      this.buffer.add(op).then(
        (reply) => {
          if (this.lastWrite === written) this.lastWrite = undefined;
          if (statusOf(reply) === 'LOST') this.onLost();
          else resolve(reply);
        },
        (error) => this.onRefused(error),
      );
    });
    this.lastWrite = written;
    return written;
  }
}
