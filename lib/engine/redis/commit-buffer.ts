import { ReplicationError } from '../core/errors/index.js';
import { NO_CODEC, type Sealer } from '../core/sealer.js';
import { type Op, type OpSink, TransitionError } from './op.js';
import type { ScriptRunner } from './script-runner.js';

interface Entry {
  readonly op: Op<unknown>;
  readonly done: (value: never) => void;
  readonly failed: (error: unknown) => void;
}

export interface BufferOptions {
  /** Calls in flight at the same time. */
  readonly depth: number;
  /** Operations worth a call of their own while another is in flight; fewer wait for its answer. */
  readonly smallest: number;
  /** Called before every call; may add operations that should ride along. */
  readonly beforeSend?: () => void;
}

/** Bounds the work of one script call: Redis serves nobody else meanwhile. */
const MAX_UNITS = 128;
const MAX_CHARACTERS = 1_000_000;

/**
 * Group commit: operations issued while calls are in flight leave together, in order; an idle buffer sends at the end of the current
 * turn of the event loop.
 *
 * With two calls in flight Node works on the answers of one while Redis works on the other. Operations of one run (its `key`) are
 * never in two calls at once, so that a call sent again after a lost answer cannot overtake a later one of the same run.
 */
export class CommitBuffer implements OpSink {
  private entries: Entry[] = [];
  private readonly busy = new Set<string>();
  private inFlight = 0;
  private isAbandoned = false;
  private scheduled = false;
  private idleWaiters: Array<() => void> = [];

  constructor(
    private readonly runner: ScriptRunner,
    private readonly options: BufferOptions,
    private readonly sealer: Sealer = NO_CODEC,
  ) {}

  /** @throws TransitionError when Redis refuses the operation, ConnectionError when Redis stays away */
  add<T>(op: Op<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => this.send(op, resolve, reject));
  }

  /** As {@link add}, for the hot path: a promise per operation was measurable. */
  send<T>(op: Op<T>, done: (value: T) => void, failed: (error: unknown) => void): void {
    if (this.isAbandoned) return;
    this.entries.push({ op, done, failed });
    this.kick();
  }

  /** Sees to it that `beforeSend` is asked soon, even if there is nothing to send yet. */
  kick(): void {
    if (this.scheduled || this.inFlight === this.options.depth) return;
    this.scheduled = true;
    setImmediate(this.flush);
  }

  /** Resolves when everything issued so far has been answered. */
  idle(): Promise<void> {
    if (this.isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  /** What was issued is dropped, and no answer is heard any more. */
  abandon(): void {
    this.isAbandoned = true;
    this.entries = [];
  }

  private isIdle(): boolean {
    return this.inFlight === 0 && this.entries.length === 0;
  }

  private readonly flush = (): void => {
    this.scheduled = false;
    if (this.inFlight === this.options.depth || this.isAbandoned) return;
    const waiting = this.entries.length;
    this.options.beforeSend?.();
    const rides = this.entries.splice(waiting);
    const batch = this.take();
    if (this.inFlight > 0 && rides.length === 0 && batch.length < this.options.smallest) {
      this.entries = [...batch, ...this.entries];
      return;
    }
    batch.push(...rides);
    if (batch.length > 0) this.dispatch(batch);
    // The rest goes in the next turn: Redis answers what it has read together only when all of it is done.
    if (this.entries.length > 0) this.kick();
  };

  /** What may leave now, in order: an even share for each call that may be in flight; a run's operations stay together. */
  private take(): Entry[] {
    const limit = this.share();
    const batch: Entry[] = [];
    const left: Entry[] = [];
    const taken = new Set<string>();
    const held = new Set<string>();
    let units = 0;
    let characters = 0;
    let isFull = false;
    for (const entry of this.entries) {
      const { key } = entry.op;
      const isHeld = key !== undefined && (this.busy.has(key) || held.has(key));
      const isFollowing = key !== undefined && taken.has(key);
      const size = sizeOf(entry.op);
      // Once full, nothing later may slip in: what belongs to no run leaves in its order too.
      isFull ||= (units === limit && !isFollowing) || (batch.length > 0 && characters + size > MAX_CHARACTERS);
      if (isHeld || (isFull && !isFollowing)) {
        left.push(entry);
        if (key !== undefined) held.add(key);
        continue;
      }
      batch.push(entry);
      characters += size;
      if (isFollowing) continue;
      units++;
      if (key !== undefined) taken.add(key);
    }
    this.entries = left;
    return batch;
  }

  /** In runs, and operations that belong to none. */
  private share(): number {
    const { depth, smallest } = this.options;
    if (this.inFlight > 0 || this.entries.length < 2 * smallest) return MAX_UNITS;
    const runs = new Set<string>();
    let loose = 0;
    for (const { op } of this.entries) {
      if (op.key === undefined) loose++;
      else runs.add(op.key);
    }
    return Math.min(MAX_UNITS, Math.max(smallest, Math.ceil((runs.size + loose) / depth)));
  }

  private dispatch(batch: Entry[]): void {
    this.inFlight++;
    for (const { op } of batch) if (op.key !== undefined) this.busy.add(op.key);
    this.runner.run(batch.map(({ op }) => op)).then(
      (replies) => {
        if (this.isAbandoned) return;
        this.returned(batch);
        for (let i = 0; i < batch.length; i++) settle(batch[i], replies[i], this.sealer);
        this.afterwards();
      },
      (error) => {
        if (this.isAbandoned) return;
        this.returned(batch);
        for (const { failed } of batch) failed(error);
        this.afterwards();
      },
    );
  }

  private returned(batch: Entry[]): void {
    this.inFlight--;
    for (const { op } of batch) if (op.key !== undefined) this.busy.delete(op.key);
  }

  private afterwards(): void {
    this.kick();
    if (this.isIdle()) for (const resolve of this.idleWaiters.splice(0)) resolve();
  }
}

function settle(entry: Entry, reply: unknown, sealer: Sealer): void {
  const { op, failed } = entry;
  if (Array.isArray(reply) && reply[0] === 'ERROR') {
    failed(new TransitionError(op.name, String(reply[1])));
    return;
  }
  if (reply instanceof ReplicationError) {
    failed(reply);
    return;
  }
  const sealed = op.sealed?.(reply);
  if (sealed === undefined || sealed.length === 0) answer(entry, reply);
  else sealer.openAll(sealed).then(() => answer(entry, reply), failed);
}

function answer({ op, done, failed }: Entry, reply: unknown): void {
  let value: unknown;
  try {
    value = op.parse(reply);
  } catch (error) {
    failed(error);
    return;
  }
  done(value as never);
}

function sizeOf(op: Op<unknown>): number {
  let characters = 0;
  for (const arg of op.args) characters += typeof arg === 'string' ? arg.length : 8;
  return characters;
}
