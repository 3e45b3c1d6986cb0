import type { LoggerPort } from '../../core/api/values.types.js';
import { LongTimer } from '../../core/async/long-timer.js';
import type { ErrorClasses } from '../../core/errors/error-classes.js';
import {
  ConnectionError,
  ResultTimeoutError,
  RunCanceledError,
  RunFailedError,
  RunNotFoundError,
} from '../../core/errors/index.js';
import { newId } from '../../core/ids.js';
import { decodeError, decodePayload } from '../../core/payload/payload.js';
import { isSealed, type Sealer } from '../../core/payload/sealer.js';
import type { RedisConnection } from '../../redis/connection/connection.js';
import { Subscription } from '../../redis/connection/subscription.js';
import type { Keyspace } from '../../redis/keyspace.js';
import { awaitRun, parseEndMessage, type RunEnd, resultOf } from '../../redis/runs/await-run.js';
import type { WriteBuffer } from '../../redis/script/write-buffer.js';
import { AbortListeners } from './abort-listeners.js';

interface Waiter {
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** How soon waiting runs are looked up while nothing is pushed, and how often all the same: a message can be lost. */
const RECHECK_MS = { first: 1_000, longest: 10_000 };

/** Learns from Redis when awaited runs end: one subscription per client, however many runs it awaits. */
export class ResultListener {
  private readonly id = newId();
  private readonly waiters = new Map<string, Set<Waiter>>();
  private readonly subscription: Subscription;
  private readonly aborts = new AbortListeners();
  private recheck: NodeJS.Timeout | undefined;
  private unpushedMs = RECHECK_MS.first;
  private isOver = false;
  private closed = false;

  constructor(
    connection: RedisConnection,
    keys: Keyspace,
    private readonly buffer: WriteBuffer,
    private readonly sealer: Sealer,
    private readonly logger: LoggerPort,
    private readonly errorsOf: (workflow: string) => ErrorClasses,
  ) {
    this.subscription = new Subscription(
      connection,
      keys.endedChannel(this.id),
      (text) => this.received(text),
      // What ended until then sent its message to nobody.
      () => this.askAgain(),
    );
  }

  /** @throws RunFailedError, RunCanceledError, ResultTimeoutError, RunNotFoundError, ConnectionError, or the signal's reason */
  result(runId: string, timeoutMs: number | undefined, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(closedError(runId));
      if (signal?.aborted) return reject(signal.reason);
      let timer: LongTimer | undefined;
      const finish = (act: () => void) => {
        timer?.cancel();
        stopListening?.();
        this.remove(runId, waiter);
        act();
      };
      const waiter: Waiter = {
        resolve: (output) => finish(() => resolve(output)),
        reject: (error) => finish(() => reject(error)),
      };
      const stopListening = signal && this.aborts.add(signal, () => waiter.reject(signal.reason));
      if (timeoutMs !== undefined)
        timer = new LongTimer(timeoutMs, () => waiter.reject(new ResultTimeoutError({ runId, timeoutMs })));
      this.register(runId, waiter);
    });
  }

  /** From now on results are given of runs that have ended only: who waits is rejected. @returns for how many runs somebody did */
  stopWaiting(): number {
    this.isOver = true;
    const awaited = [...this.waiters.keys()];
    for (const runId of awaited) this.rejectAll(runId, closedError(runId));
    return awaited.length;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.stopWaiting();
    await this.subscription.stop();
  }

  private register(runId: string, waiter: Waiter): void {
    const known = this.waiters.get(runId);
    if (known) known.add(waiter);
    else this.waiters.set(runId, new Set([waiter]));
    if (this.isOver) {
      void this.ask(runId);
      return;
    }
    this.subscription.start();
    // Nothing is pushed yet as a rule, with the first run: then it is asked about as soon as that is so, or a while later.
    if (this.subscription.isUp) void this.ask(runId);
    else this.askSoon();
  }

  private remove(runId: string, waiter: Waiter): void {
    const known = this.waiters.get(runId);
    known?.delete(waiter);
    if (known?.size === 0) this.waiters.delete(runId);
    if (this.waiters.size === 0) {
      clearTimeout(this.recheck);
      this.recheck = undefined;
    }
  }

  /** Asking registers this client for the message, or answers at once if the run has ended. */
  private async ask(runId: string): Promise<void> {
    if (!this.waiters.has(runId)) return;
    try {
      const awaited = await this.buffer.add(awaitRun(runId, this.id));
      if (awaited.status === 'MISSING') this.rejectAll(runId, new RunNotFoundError({ runId }));
      else if (awaited.status === 'ENDED') this.settle(awaited.end);
      else if (this.isOver) this.rejectAll(runId, closedError(runId));
      else this.askSoon();
    } catch (error) {
      this.rejectAll(runId, error);
    }
  }

  private askSoon(): void {
    if (this.waiters.size === 0) return;
    this.recheck ??= setTimeout(this.askAgain, this.subscription.isUp ? RECHECK_MS.longest : this.unpushedMs);
  }

  private readonly askAgain = (): void => {
    clearTimeout(this.recheck);
    this.recheck = undefined;
    this.unpushedMs = this.subscription.isUp ? RECHECK_MS.first : Math.min(2 * this.unpushedMs, RECHECK_MS.longest);
    for (const runId of this.waiters.keys()) void this.ask(runId);
  };

  private received(text: string): void {
    const end = parseEndMessage(text);
    const { runId, payload } = end;
    if (payload === undefined) void this.ask(runId);
    else if (!isSealed(payload)) this.settle(end);
    else {
      this.sealer.open(payload, resultOf(runId)).then(
        (opened) => this.settle({ ...end, payload: opened }),
        (error) => this.rejectAll(runId, error),
      );
    }
  }

  private settle(end: RunEnd): void {
    const { runId } = end;
    const waiters = this.waiters.get(runId);
    if (!waiters) return;
    try {
      const settle = settlement(end, this.errorsOf);
      for (const waiter of [...waiters]) settle(waiter);
    } catch (error) {
      this.logger.error(`The result of run "${runId}" could not be read`, { runId });
      this.rejectAll(runId, error);
    }
  }

  private rejectAll(runId: string, error: unknown): void {
    for (const waiter of [...(this.waiters.get(runId) ?? [])]) waiter.reject(error);
  }
}

function settlement(
  { runId, workflow, outcome, payload = '' }: RunEnd,
  errorsOf: (workflow: string) => ErrorClasses,
): (waiter: Waiter) => void {
  if (outcome === 'succeeded') return ({ resolve }) => resolve(decodePayload(payload));
  if (outcome === 'canceled') {
    const { reason } = decodePayload(payload) as { reason?: string };
    return ({ reject }) => reject(new RunCanceledError({ runId, reason }));
  }
  return ({ reject }) => reject(new RunFailedError({ runId, workflow, cause: decodeError(payload, errorsOf(workflow)) }));
}

function closedError(runId: string): ConnectionError {
  return new ConnectionError(
    `The client is closing and no longer waits for the result of run "${runId}". The run goes on: ask for its result with another client.`,
    { runId },
  );
}
