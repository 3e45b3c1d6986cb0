import { ConnectionError } from '../../core/errors/index.js';
import { NO_CODEC, type Sealer } from '../../core/payload/sealer.js';
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
/** In commits of a step, of one run as of many: 10,000 waits that a run registered in one call took 348 ms. */
export const MAX_WORK = 512;
const MAX_CHARACTERS = 1_000_000;
/** An operation does more work the more it is about: the waits of a park, the branches of a wait for any of several. */
const ARGUMENTS_PER_WORK = 16;

/**
 * Group commit: operations issued while calls are in flight leave together, in order; an idle buffer sends at the end of the current
 * turn of the event loop.
 *
 * With two calls in flight Node works on the answers of one while Redis works on the other. Operations of one run (its `key`) are
 * never in two calls at once, so that a call sent again after a lost answer cannot overtake a later one of the same run.
 */
export class WriteBuffer implements OpSink {
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
    if (this.scheduled || this.inFlight >= this.options.depth) return;
    this.scheduled = true;
    setImmediate(this.flush);
  }

  /** Whether an operation of the run is yet to be answered. */
  isPending(key: string): boolean {
    return this.busy.has(key) || this.entries.some(({ op }) => op.key === key);
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
    if (this.inFlight >= this.options.depth || this.isAbandoned) return;
    const waiting = this.entries.length;
    this.options.beforeSend?.();
    const rides = this.entries.splice(waiting);
    const batch = this.take();
    if (this.inFlight > 0 && rides.length === 0 && batch.length < this.options.smallest) {
      this.entries = [...batch, ...this.entries];
      return;
    }
    batch.push(...rides);
    for (const part of apart(batch)) this.dispatch(part);
    // The rest goes in the next turn: Redis answers what it has read together only when all of it is done.
    if (this.entries.length > 0) this.kick();
  };

  /** What may leave now, in order: an even share for each call that may be in flight, and of one run as much as a call may hold. */
  private take(): Entry[] {
    const limit = this.share();
    const batch: Entry[] = [];
    const left: Entry[] = [];
    const taken = new Set<string>();
    const held = new Set<string>();
    let units = 0;
    let work = 0;
    let characters = 0;
    let next = 0;
    for (; next < this.entries.length; next++) {
      const entry = this.entries[next];
      const { key } = entry.op;
      const isFollowing = key !== undefined && taken.has(key);
      // Once a run is held, what it issued later is, too. Without a share left, nothing later may slip in, but for runs that have one.
      const isHeld = key !== undefined && !isFollowing && (this.busy.has(key) || held.has(key));
      if (isHeld || (units === limit && !isFollowing)) {
        left.push(entry);
        if (key !== undefined) held.add(key);
        continue;
      }
      const size = sizeOf(entry.op);
      work += workOf(entry.op);
      characters += size;
      if (batch.length > 0 && (work > MAX_WORK || characters > MAX_CHARACTERS)) break;
      batch.push(entry);
      if (isFollowing) continue;
      units++;
      if (key !== undefined) taken.add(key);
    }
    this.entries = left.length === 0 ? this.entries.slice(next) : [...left, ...this.entries.slice(next)];
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
    const answered = (replies: unknown[]): void => {
      if (this.isAbandoned) return;
      this.returned(batch);
      for (let i = 0; i < batch.length; i++) settle(batch[i], replies[i], this.sealer);
      this.afterwards();
    };
    this.runner.run(batch.map(({ op }) => op)).then(answered, (error: unknown) => this.runApart(batch, error).then(answered));
  }

  /**
   * A call that was refused for what one of its operations is like must not fail the runs that share it: each is sent again in a call
   * of its own, and fails alone. A Redis that stayed away stays away for all.
   */
  private async runApart(batch: readonly Entry[], error: unknown): Promise<unknown[]> {
    const groups = new Map<string | Entry, number[]>();
    batch.forEach((entry, index) => {
      const key = entry.op.key ?? entry;
      const group = groups.get(key);
      if (group) group.push(index);
      else groups.set(key, [index]);
    });
    const replies: unknown[] = batch.map(() => error);
    if (error instanceof ConnectionError || groups.size === 1) return replies;
    for (const group of groups.values()) {
      if (this.isAbandoned) break;
      const answers = await this.runner
        .run(group.map((index) => batch[index].op))
        .catch((cause: unknown) => group.map(() => cause));
      group.forEach((index, place) => {
        replies[index] = answers[place];
      });
    }
    return replies;
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

/**
 * What Redis may refuse when it is out of memory leaves in a call of its own, so that nothing else is refused with it. What has the same
 * key goes along, in its order: that is the read of what an emission has come to.
 */
function apart(batch: Entry[]): Entry[][] {
  const keys = new Set<string | Entry>();
  for (const entry of batch) if (entry.op.isRefusable) keys.add(entry.op.key ?? entry);
  if (keys.size === 0) return batch.length === 0 ? [] : [batch];
  const parts: [Entry[], Entry[]] = [[], []];
  for (const entry of batch) parts[keys.has(entry.op.key ?? entry) ? 0 : 1].push(entry);
  return parts.filter((part) => part.length > 0);
}

function settle(entry: Entry, reply: unknown, sealer: Sealer): void {
  const { op, failed } = entry;
  if (Array.isArray(reply) && reply[0] === 'ERROR') {
    failed(new TransitionError(op.name, String(reply[1])));
    return;
  }
  if (reply instanceof Error) {
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

function workOf({ work = 1, args }: Op<unknown>): number {
  return work + Math.floor(args.length / ARGUMENTS_PER_WORK);
}

function sizeOf(op: Op<unknown>): number {
  let characters = 0;
  for (const arg of op.args) characters += typeof arg === 'string' ? arg.length : 8;
  return characters;
}
