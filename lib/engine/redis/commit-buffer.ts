import { type Op, TransitionError } from './op.js';
import type { ScriptRunner } from './script-runner.js';

interface Entry {
  readonly op: Op<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Bounds the work of one script call: Redis serves nobody else meanwhile. */
const MAX_OPS = 256;
const MAX_CHARACTERS = 1_000_000;

/**
 * Group commit: operations issued while a call is in flight leave together in the next one, in order; an idle buffer sends at the
 * end of the current turn of the event loop. One call is in flight at a time, so that a call sent again after a lost answer can
 * not overtake a later one.
 */
export class CommitBuffer {
  private entries: Entry[] = [];
  private inFlight = false;
  private scheduled = false;
  private idleWaiters: Array<() => void> = [];

  /** @param beforeSend called before every call; may add operations that should ride along */
  constructor(
    private readonly runner: ScriptRunner,
    private readonly beforeSend: () => void = () => undefined,
  ) {}

  /** @throws TransitionError when Redis refuses the operation, ConnectionError when Redis stays away */
  add<T>(op: Op<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.entries.push({ op, resolve: resolve as Entry['resolve'], reject });
      this.kick();
    });
  }

  /** Sees to it that `beforeSend` is asked soon, even if there is nothing to send yet. */
  kick(): void {
    if (this.scheduled || this.inFlight) return;
    this.scheduled = true;
    setImmediate(this.flush);
  }

  /** Resolves when everything issued so far has been answered. */
  idle(): Promise<void> {
    if (!this.inFlight && this.entries.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  private readonly flush = (): void => {
    this.scheduled = false;
    if (this.inFlight) return;
    this.beforeSend();
    if (this.entries.length === 0) {
      for (const resolve of this.idleWaiters.splice(0)) resolve();
      return;
    }
    const batch = this.take();
    this.inFlight = true;
    this.runner.run(batch.map(({ op }) => op)).then(
      (replies) => this.settle(batch, replies),
      (error) => this.fail(batch, error),
    );
  };

  private take(): Entry[] {
    let characters = 0;
    let count = 0;
    for (const { op } of this.entries) {
      for (const arg of op.args) characters += typeof arg === 'string' ? arg.length : 8;
      if (count > 0 && (count === MAX_OPS || characters > MAX_CHARACTERS)) break;
      count++;
    }
    if (count === this.entries.length) {
      const all = this.entries;
      this.entries = [];
      return all;
    }
    return this.entries.splice(0, count);
  }

  private settle(batch: Entry[], replies: unknown[]): void {
    this.inFlight = false;
    for (let i = 0; i < batch.length; i++) {
      const { op, resolve, reject } = batch[i];
      const reply = replies[i];
      if (Array.isArray(reply) && reply[0] === 'ERROR') {
        reject(new TransitionError(op.name, String(reply[1])));
        continue;
      }
      try {
        resolve(op.parse(reply) as never);
      } catch (error) {
        reject(error);
      }
    }
    this.kick();
  }

  private fail(batch: Entry[], error: unknown): void {
    this.inFlight = false;
    for (const { reject } of batch) reject(error);
    this.kick();
  }
}
