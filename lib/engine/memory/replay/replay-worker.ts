import { LongTimer } from '../../core/async/long-timer.js';
import type { Interceptors } from '../../core/interceptors.js';
import type { Op } from '../../redis/script/op.js';
import type { InlineRun } from '../inline-run.js';
import { InlineWorker, type InlineWorkerOptions } from '../inline-worker.js';
import type { ReplayTrace } from './replay-trace.js';

export interface ReplayWorkerOptions extends InlineWorkerOptions {
  readonly trace: ReplayTrace;
  readonly graceMs: number;
  readonly interceptors: Interceptors;
}

/** Executes one pass of one run, up to its end or to where nothing more is recorded. */
export class ReplayWorker extends InlineWorker {
  override readonly interceptors: Interceptors;
  private readonly trace: ReplayTrace;
  private hasStarted = false;
  private grace: LongTimer | undefined;
  /** How many steps had been asked for when the last time of grace was over. */
  private askedAtGrace = -1;

  constructor(private readonly replay: ReplayWorkerOptions) {
    super(replay);
    this.trace = replay.trace;
    this.interceptors = replay.interceptors;
  }

  override async execute(root: InlineRun): Promise<void> {
    try {
      await super.execute(root);
    } finally {
      this.endGrace();
    }
  }

  protected override answer<T>(op: Op<T>, done: (value: T) => void): void {
    if (op.name === 'park_run') this.park((status) => done(op.parse([status, this.store.now()])));
    else super.answer(op, done);
  }

  /** Neither the failure hook nor the next pass. */
  protected override startAll(): void {
    if (!this.hasStarted) super.startAll();
    this.hasStarted = true;
  }

  protected override goOn(): void {
    this.finish();
  }

  /** All that the handler is left with are waits, and steps that are held. */
  private park(reply: (status: 'READY' | 'PARKED') => void): void {
    const { trace, replay } = this;
    if (trace.failNext()) {
      reply('READY');
      return;
    }
    if (trace.missing().length === 0 || trace.asked.length === this.askedAtGrace) {
      reply('PARKED');
      return;
    }
    const decide = (): void => {
      this.endGrace();
      this.askedAtGrace = trace.asked.length;
      reply('READY');
    };
    this.grace = new LongTimer(replay.graceMs, decide);
    // The ask itself first.
    trace.onAsk = () => queueMicrotask(() => this.grace && decide());
  }

  private endGrace(): void {
    this.grace?.cancel();
    this.grace = undefined;
    this.trace.onAsk = undefined;
  }
}
