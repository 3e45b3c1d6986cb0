import type { RedisClock } from '../core/async/redis-clock.js';
import { RunCanceledError } from '../core/errors/index.js';
import { encodeError } from '../core/payload/payload.js';
import type { CREATE_RUN } from '../redis/runs/create-run.js';
import type { RawFields } from '../redis/runs/stored-run.js';
import type { ArgumentsOf } from '../redis/script/define-operation.js';
import { type EndWait, InlineRun } from './inline-run.js';

/** A new run as `create_run` and its relatives take it. */
export type NewRunArgs = Omit<ArgumentsOf<typeof CREATE_RUN>, 'id' | 'nonce' | 'ttl' | 'admission' | 'headers'>;

/** The runs of one inline execution, and what several transitions do to them; the part of the Lua that transitions share. */
export class InlineStore {
  readonly runs = new Map<string, InlineRun>();
  private readonly runIdOfKey = new Map<string, string>();
  private readonly ready: InlineRun[] = [];
  private latest = 0;

  /** @param hinted something came for a run that a pass executes */
  constructor(
    private readonly clock: RedisClock,
    private readonly hinted: (runId: string) => void,
  ) {}

  /** Virtual time: the real one, and all that was slept through. */
  now(): number {
    this.latest = Math.max(this.latest, Math.floor(this.clock.now()));
    return this.latest;
  }

  /** @returns the run of that id or idempotency key, undefined if its id belongs to another workflow */
  create(id: string, args: NewRunArgs, extra: RawFields): InlineRun | undefined {
    const { workflow, queue, priority, attempts, version, tags, at, delay, idempotency, input, judged } = args;
    const key = JSON.stringify([workflow, idempotency]);
    const existing = this.runs.get(id) ?? this.runs.get(this.runIdOfKey.get(key) ?? '');
    if (existing) return existing.fields.workflow === workflow ? existing : undefined;
    const now = this.now();
    const start = Math.max(now, at === '' ? now + Number(delay) : Number(at));
    const optional = { maxAttempts: attempts, version, tags, idempotencyKey: idempotency, judgedByVersion: judged };
    const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== ''));
    const run = new InlineRun(id, {
      ...{ workflow, queue, priority, stamp: String(now * 1_000), availableAt: String(start) },
      ...given,
      ...extra,
    });
    if (input !== '') run.data.set('i', input);
    if (idempotency !== '') this.runIdOfKey.set(key, id);
    this.runs.set(id, run);
    if (start > now) this.rest(run, 'd', start);
    else this.queue(run);
    return run;
  }

  queue(run: InlineRun): void {
    run.fields.status = 'q';
    run.fields.availableAt = String(this.now());
    run.dueAt = undefined;
    this.ready.push(run);
  }

  /** The next run that a pass may execute. */
  take(): InlineRun | undefined {
    for (;;) {
      const run = this.ready.shift();
      // It may have ended meanwhile, or be in the line twice.
      if (!run || run.fields.status === 'q') return run;
    }
  }

  /** @param status `d` delayed, `w` waiting, `b` backing off */
  rest(run: InlineRun, status: 'd' | 'w' | 'b', until: number | undefined, isOpenEnded = false): void {
    run.fields.status = status;
    run.fields.availableAt = String(until ?? this.now());
    run.dueAt = until;
    run.isOpenEnded = isOpenEnded;
  }

  /** Moves the time on to when the next run is due, and queues all that are due then. */
  advance(withOpenEnded: boolean): boolean {
    const resting = [...this.runs.values()].filter((run): run is InlineRun & { dueAt: number } => run.dueAt !== undefined);
    const next = Math.min(...resting.filter((run) => withOpenEnded || !run.isOpenEnded).map(({ dueAt }) => dueAt));
    if (next === Number.POSITIVE_INFINITY) return false;
    if (next > this.now()) {
      this.latest = next;
      this.clock.synchronise(next);
    }
    for (const run of resting.sort((a, b) => a.dueAt - b.dueAt)) if (run.dueAt <= this.now()) this.queue(run);
    return true;
  }

  /** Ends a wait from outside, as `deliver` does. @returns false if it is over already */
  deliver({ run, step, branch }: EndWait, status: 'd' | 'k', payload: string, tag = ''): boolean {
    const waiting = run.step(step);
    if (waiting?.status !== 'w' || (waiting.moment > 0 && waiting.moment <= this.now())) return false;
    const outcome = waiting.kind === 'a' ? `${sized(branch)}${tag}${payload}` : payload;
    run.writeStep(step, { ...waiting, status, order: 0, moment: this.now(), payload: outcome });
    if (run.fields.status === 'w') this.queue(run);
    else if (run.isRunning) this.hinted(run.id);
    return true;
  }

  /** Lets a step wait for the end of a run. @returns whether that has come */
  awaitEnd(child: InlineRun, wait: EndWait): boolean {
    if (child.hasEnded) return this.deliverEnd(child, wait);
    child.endWaits.push(wait);
    return false;
  }

  /** Writes the outcome of a run and tells who waits for it. */
  end(run: InlineRun, outcome: 's' | 'f' | 'c', payload: string, hookId = ''): void {
    const { fields, data } = run;
    if (outcome === 'f' && fields.unwinding === undefined) run.failedOnce();
    fields.status = outcome;
    fields.finishedAt = String(this.now());
    run.dueAt = undefined;
    if (outcome === 'f') data.set('e', payload);
    else data.delete('e');
    if (outcome === 's' && payload !== '') data.set('o', payload);
    if (outcome === 'f' && hookId !== '') this.startHook(run, hookId);
    for (const wait of run.endWaits.splice(0)) this.deliverEnd(run, wait);
  }

  /** Queues a run to be undone: its next pass compensates and then writes the outcome. */
  unwind(run: InlineRun, outcome: 'f' | 'c'): void {
    run.fields.unwinding = outcome;
    this.queue(run);
  }

  cancel(run: InlineRun, reason: string): void {
    const { fields, data } = run;
    if (run.hasEnded || fields.cancelRequestedAt !== undefined || fields.unwinding !== undefined || fields.hookOf !== undefined)
      return;
    fields.cancelRequestedAt = String(this.now());
    if (reason !== '') data.set('cx', reason);
    if (!run.isRunning) this.endCanceled(run);
  }

  /** Ends a canceled run that no pass executes; its compensations come first. */
  endCanceled(run: InlineRun): void {
    if (run.fields.compensable !== undefined) this.unwind(run, 'c');
    else this.end(run, 'c', '');
  }

  private deliverEnd(child: InlineRun, wait: EndWait): boolean {
    const { id, fields, data } = child;
    const tag = `c${sized(id)}`;
    if (fields.status === 's') return this.deliver(wait, 'd', data.get('o') ?? '', tag);
    const canceled = () => encodeError(new RunCanceledError({ runId: id, reason: data.get('cx') }));
    return this.deliver(wait, 'k', fields.status === 'c' ? canceled() : (data.get('e') as string), tag);
  }

  private startHook(failed: InlineRun, id: string): void {
    const { workflow, queue, priority, trigger, version, tags, rootRunId } = failed.fields;
    const now = String(this.now());
    const hook = new InlineRun(id, {
      ...{
        workflow,
        queue,
        priority,
        trigger,
        version,
        tags,
        hookStamp: String(Number(now) * 1_000),
        availableAt: now,
        maxAttempts: '3',
      },
      ...{ rootRunId: rootRunId ?? failed.id, hookOf: failed.id },
    });
    for (const field of ['is', 'ip', 'pa']) {
      const kept = failed.data.get(field);
      if (kept !== undefined) hook.data.set(field, kept);
    }
    failed.fields.hookStatus = 'p';
    this.runs.set(id, hook);
    this.queue(hook);
  }
}

function sized(text: string): string {
  return `${Buffer.byteLength(text)}:${text}`;
}
