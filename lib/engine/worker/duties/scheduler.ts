import { FaultLog } from '../../core/async/fault-log.js';
import { LongTimer } from '../../core/async/long-timer.js';
import { decodePayload } from '../../core/payload/payload.js';
import { describeError } from '../../core/payload/stored-error.js';
import { decideTick } from '../../core/schedules/misfire.js';
import type { ResolvedSchedule } from '../../core/schedules/resolve-schedules.js';
import { type Admission, admissionOf } from '../../core/workflows/admission.js';
import type { ResolvedWorkflowOptions } from '../../core/workflows/resolve-workflow.js';
import type { RunTarget } from '../../core/workflows/run-target.js';
import { validateInput } from '../../core/workflows/validate-input.js';
import { prepareRun } from '../../creation/prepare-run.js';
import type { DeclaredSchedule, RegisteredSchedule } from '../../redis/registry/declare-workflows.js';
import type { NewRun } from '../../redis/runs/create-run.js';
import { fireSchedule, type Tick, type TickAnswer } from '../../redis/schedules/fire-schedule.js';
import type { ServedWorkflow } from '../pass/pass-host.js';
import type { WorkerContext } from '../worker-context.js';

/** A schedule that this worker's code declares. */
interface Followed {
  readonly declared: DeclaredSchedule;
  readonly resolved: ResolvedSchedule;
  /** What its runs are to be. */
  readonly run: NewRun;
  /** Asks what they are subject to; undefined if that is nothing. */
  readonly admit?: () => Promise<Admission | undefined>;
  /** Undefined while Redis has no such schedule. */
  nextAt: number | undefined;
  /** Not to be tried before, on the Redis clock. */
  restsUntil: number;
  isFiring: boolean;
  readonly faults: FaultLog;
}

/** Calls that may be on their way at the same time: many schedules may be due at once. */
const MOST_FIRING = 64;
const RETRY_AFTER_MS = 5_000;

/**
 * Starts the runs of schedules. Every worker does it, and Redis lets the first have each instant: there is no leader. It looks when
 * the next instant is due by its own clock, and whenever it learns the time of Redis.
 */
export class Scheduler {
  private readonly followed = new Map<string, Followed>();
  private earliest = Number.POSITIVE_INFINITY;
  private firing = 0;
  private timer: LongTimer | undefined;
  private look: NodeJS.Immediate | undefined;
  private stopped = false;

  constructor(private readonly context: Pick<WorkerContext, 'buffer' | 'clock' | 'maxPayloadBytes' | 'warn'>) {}

  /** @throws PayloadTooLargeError for the input of a schedule */
  async prepare(workflows: Iterable<ServedWorkflow>): Promise<void> {
    for (const { options } of workflows) {
      // The input is validated by the runs: a schema may ask others, and need not answer at boot.
      const target: RunTarget = { ...options, workflow: options.name, input: undefined, admission: undefined };
      for (const resolved of options.schedules) {
        const run = await prepareRun(target, decodePayload(resolved.input), {}, this.context.maxPayloadBytes);
        const declared = declaredSchedule(options.name, resolved);
        const admit = admissionOfTicks(options, resolved);
        const idle = { nextAt: undefined, restsUntil: 0, isFiring: false };
        this.followed.set(resolved.id, { declared, resolved, run, admit, ...idle, faults: this.faultsOf(resolved.id) });
      }
    }
  }

  /** Follows what Redis says of the schedules. */
  adopt(schedules: readonly RegisteredSchedule[]): void {
    for (const { id, nextAt } of schedules) {
      const schedule = this.followed.get(id);
      // One that is being fired will know better.
      if (schedule && !schedule.isFiring) schedule.nextAt = nextAt;
    }
    this.fireDue();
  }

  /** The clock was synchronised. Cheap while nothing is due. */
  check(): void {
    if (this.context.clock.now() >= this.earliest) this.fireDue();
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    clearImmediate(this.look);
  }

  private fireDue(): void {
    this.timer?.cancel();
    if (this.stopped) return;
    const now = Math.floor(this.context.clock.now());
    const due: Followed[] = [];
    this.earliest = Number.POSITIVE_INFINITY;
    for (const schedule of this.followed.values()) {
      if (schedule.nextAt === undefined || schedule.isFiring) continue;
      const dueAt = Math.max(schedule.nextAt, schedule.restsUntil);
      if (dueAt <= now) due.push(schedule);
      else this.earliest = Math.min(this.earliest, dueAt);
    }
    due.sort((a, b) => (a.nextAt as number) - (b.nextAt as number));
    // The others follow when one of these is done.
    for (const schedule of due.slice(0, MOST_FIRING - this.firing)) this.fire(schedule, schedule.nextAt as number, now);
    if (this.earliest < Number.POSITIVE_INFINITY)
      this.timer = new LongTimer(Math.ceil(this.earliest - now), () => this.fireDue());
  }

  private fire(schedule: Followed, expected: number, now: number): void {
    const { declared, resolved, run, admit } = schedule;
    schedule.isFiring = true;
    this.firing++;
    const tick: Tick = { schedule: declared, expected, ...decideTick(resolved, expected, now), judgedAt: now, run };
    if (admit && tick.instant !== undefined) void this.admit(tick, admit).then((admitted) => this.send(schedule, admitted));
    else this.send(schedule, tick);
  }

  /** A run that its key functions, or the schema before them, refuse is not created: as with every other create. */
  private async admit(tick: Tick, admit: NonNullable<Followed['admit']>): Promise<Tick> {
    try {
      return { ...tick, run: { ...tick.run, admission: await admit() } };
    } catch (error) {
      const { id, workflow } = tick.schedule;
      const instant = new Date(tick.instant as number).toISOString();
      this.context.warn(`A tick of a schedule is skipped, that of ${instant}: ${describeError(error)}`, {
        scheduleId: id,
        workflow,
      });
      return { ...tick, instant: undefined };
    }
  }

  private send(schedule: Followed, tick: Tick): void {
    this.context.buffer.send(
      fireSchedule(tick),
      (answer) => this.answered(schedule, answer),
      (error) => this.failed(schedule, error),
    );
  }

  private answered(schedule: Followed, { now, nextAt }: TickAnswer): void {
    this.context.clock.synchronise(now);
    schedule.nextAt = nextAt;
    schedule.faults.succeeded();
    this.settled(schedule);
  }

  private failed(schedule: Followed, error: unknown): void {
    schedule.restsUntil = this.context.clock.now() + RETRY_AFTER_MS;
    if (!this.stopped) schedule.faults.failed(error);
    this.settled(schedule);
  }

  private faultsOf(scheduleId: string): FaultLog {
    return new FaultLog(`Firing schedule "${scheduleId}"`, (message) => this.context.warn(message, { scheduleId }));
  }

  /** Answers come many at a time. */
  private settled(schedule: Followed): void {
    schedule.isFiring = false;
    this.firing--;
    if (this.stopped || this.look) return;
    this.look = setImmediate(() => {
      this.look = undefined;
      this.fireDue();
    });
  }
}

function admissionOfTicks(
  { name, input: schema, admission }: ResolvedWorkflowOptions,
  { input }: ResolvedSchedule,
): Followed['admit'] {
  if (!admission) return undefined;
  return async () => {
    const decoded = decodePayload(input);
    return admissionOf(admission, schema ? await validateInput(schema, decoded, name) : decoded, name);
  };
}

/** A schedule as it is registered. */
export function declaredSchedule(workflow: string, { id, cron, misfire, input }: ResolvedSchedule): DeclaredSchedule {
  return { id, workflow, expression: cron.expression, timezone: cron.timezone, misfire, input };
}
