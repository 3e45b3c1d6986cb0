import type { SealedText } from '../../core/payload/sealer.js';
import type { OperationName } from './operation-name.generated.js';

/** One operation of a script call, as its definition makes it (`defineOperation`). Any number of them travel together and run in order, atomically as a whole. */
export interface Op<T> {
  readonly name: OperationName;
  /** The run it belongs to: operations of one run are answered in the order in which they were issued. */
  readonly key?: string | undefined;
  readonly args: ReadonlyArray<string | number>;
  /** How much of a call it takes at least, in commits of a step: for what does or answers more than its arguments show. */
  readonly work?: number;
  /**
   * It makes something that nobody has been promised yet. Redis refuses it when it is out of memory, and all others go on: what ends runs,
   * what belongs to one that has begun, and reads.
   */
  readonly isRefusable?: boolean;
  /** The id of what it has written by its reply, for a caller who waits until replicas have it; undefined for nothing. */
  readonly writtenId?: ((reply: unknown) => string | undefined) | undefined;
  /** What of an answer may have passed through a codec, and is opened before it is parsed. */
  readonly sealed?: ((reply: unknown) => SealedText[]) | undefined;
  parse(reply: unknown): T;
}

/** Takes operations and has them answered, those of one run in order: by Redis, or by what stands in for it. */
export interface OpSink {
  send<T>(op: Op<T>, done: (value: T) => void, failed: (error: unknown) => void): void;
}

/** What the guard of a fenced write answers: `DONE` means that the pass had already ended by its own write. */
export type WriteStatus = 'OK' | 'DONE' | 'LOST';

/** A transition failed inside Redis, for example for a key of another type under our prefix. */
export class TransitionError extends Error {
  override readonly name = 'TransitionError';

  constructor(
    readonly operation: string,
    reason: string,
  ) {
    super(`Redis refused "${operation}": ${reason}`);
  }
}

export const asStatus = (reply: unknown): WriteStatus => reply as WriteStatus;
