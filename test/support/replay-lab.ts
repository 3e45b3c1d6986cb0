import { RedisClock } from '../../lib/engine/core/async/redis-clock.js';
import { TurnClock } from '../../lib/engine/core/async/turn-clock.js';
import { ErrorClasses } from '../../lib/engine/core/errors/error-classes.js';
import { NO_INTERCEPTORS } from '../../lib/engine/core/interceptors.js';
import { NO_CODEC } from '../../lib/engine/core/payload/sealer.js';
import type { BlockReason } from '../../lib/engine/core/replay/block-reason.js';
import { asRegistry } from '../../lib/engine/core/workflows/registry.js';
import { resolveWorkflowOptions } from '../../lib/engine/core/workflows/resolve-workflow.js';
import { WorkflowDirectory } from '../../lib/engine/creation/workflow-directory.js';
import { createRegistry, type Handler, type WorkflowOptions } from '../../lib/engine/index.js';
import type { InlineRun } from '../../lib/engine/memory/inline-run.js';
import { InlineStore } from '../../lib/engine/memory/inline-store.js';
import { transitionOf } from '../../lib/engine/memory/inline-transitions.js';
import { BLOCK_RUN } from '../../lib/engine/redis/replay/block-run.js';
import type { Op, OpSink } from '../../lib/engine/redis/script/op.js';
import { Pass } from '../../lib/engine/worker/pass/pass.js';
import type { PassHost } from '../../lib/engine/worker/pass/pass-host.js';
import { DepartureLog } from '../../lib/engine/worker/replay/departure-log.js';

const SILENT = { log() {}, warn() {}, error() {} };
const MOST_PASSES = 2_000;
const NO_METAS = { get: async () => null, names: async () => [], versionsOf: async () => [] };

/** Where passes are cut: asked before each write of a pass. */
export type Crash = () => boolean;

/**
 * One run in memory, executed by real passes, that can be cut in front of any of its writes as by a crash of its worker, and go on with another
 * handler as after a deploy. Thousands of runs take seconds.
 */
export class ReplayLab implements PassHost, OpSink {
  readonly workerId = 'lab';
  readonly maxRecoveries = Number.POSITIVE_INFINITY;
  readonly cancelGraceMs = 1_000;
  readonly interceptors = NO_INTERCEPTORS;
  readonly sealer = NO_CODEC;
  readonly maxPayloadBytes = 1_000_000;
  readonly clock = new RedisClock();
  readonly turns = new TurnClock();
  readonly logger = SILENT;
  readonly departures = new DepartureLog(undefined);
  readonly handBacks = { add: () => undefined };
  readonly directory = new WorkflowDirectory(asRegistry(createRegistry()), NO_METAS, () => undefined);
  readonly buffer: OpSink = this;
  readonly store = new InlineStore(this.clock, () => undefined);
  readonly run: InlineRun;
  blocked: BlockReason | undefined;
  crashes = 0;
  private pass: Pass | undefined;
  private pending: Array<() => void> = [];
  private scheduled = false;
  private passEnded: () => void = () => undefined;

  constructor(private readonly options: WorkflowOptions) {
    const empty = { attempts: '', version: '', tags: '', at: '', delay: '0', idempotency: '', judged: '' };
    const args = { ...empty, workflow: 'lab', queue: 'default', priority: '0', input: 'null' };
    this.run = this.store.create('r', args, {}) as InlineRun;
  }

  /** Executes passes until the run has ended, is blocked, or `isEnough` says so between two of them. */
  async execute(handler: Handler<unknown, unknown>, crash: Crash = never, isEnough: () => boolean = never): Promise<void> {
    const workflow = { options: resolveWorkflowOptions('lab', this.options), handler, errors: ErrorClasses.none };
    for (let passes = 0; !this.run.hasEnded && !this.blocked && !isEnough(); passes++) {
      if (passes > MOST_PASSES) throw new Error('The run does not end.');
      if (!this.store.take() && !this.store.advance(true)) throw new Error('Nothing lets the run go on.');
      if (this.run.isRunning || this.run.fields.status !== 'q') continue;
      const now = this.store.now();
      const claimed = this.run.claim(now);
      const pass = new Pass(claimed, this.run.storedData, workflow, this);
      this.pass = pass;
      const ended = new Promise<void>((resolve) => {
        this.passEnded = resolve;
      });
      this.crash = crash;
      pass.start(now);
      await ended;
      // Its last writes are answered.
      await this.answered();
    }
  }

  private crash: Crash = never;

  send<T>(op: Op<T>, done: (value: T) => void): void {
    const { pass } = this;
    this.pending.push(() => {
      if (pass !== this.pass || !this.run.isRunning) return;
      if (this.crash()) {
        this.crashes++;
        this.pending = [];
        pass?.exit.lose();
        this.store.queue(this.run);
        return;
      }
      if (op.name === 'block_run') {
        this.blocked = JSON.parse(BLOCK_RUN.read(op.args).reason) as BlockReason;
        this.run.fields.status = 'q';
        done(op.parse('OK'));
        return;
      }
      done(op.parse(transitionOf(op.name)(this.store, this.run, op.args)));
    });
    this.kick();
  }

  ended(): void {
    this.passEnded();
  }

  leaseConfirmed(): undefined {
    return undefined;
  }

  goOnWith(): void {}

  private async answered(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.pending.length > 0 || this.scheduled);
  }

  private kick(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      // A crash empties the list.
      const answers = this.pending.splice(0);
      while (answers.length > 0) {
        const crashes = this.crashes;
        (answers.shift() as () => void)();
        if (this.crashes > crashes) return;
      }
    });
  }
}

const never = () => false;
