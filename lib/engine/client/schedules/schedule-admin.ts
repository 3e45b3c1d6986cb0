import type { ScheduleRecord } from '../../core/api/registry.types.js';
import { canBeName, checkPositiveInteger } from '../../core/checks/checks.js';
import { closeMatches } from '../../core/checks/close-matches.js';
import { ScheduleNotFoundError } from '../../core/errors/index.js';
import { decodePayload } from '../../core/payload/payload.js';
import { parseCron } from '../../core/schedules/cron.js';
import type { CreationContext } from '../../creation/creation-context.js';
import { createIntercepted } from '../../creation/intercepted-creation.js';
import { prepareRun } from '../../creation/prepare-run.js';
import { rateLimited } from '../../creation/rate-limited.js';
import { listSchedules } from '../../redis/schedules/list-schedules.js';
import { pauseSchedule } from '../../redis/schedules/pause-schedule.js';
import { readSchedule, type ScheduleRead } from '../../redis/schedules/read-schedule.js';
import { resumeSchedule } from '../../redis/schedules/resume-schedule.js';
import { triggerSchedule } from '../../redis/schedules/trigger-schedule.js';
import type { WriteBuffer } from '../../redis/script/write-buffer.js';
import { warnOutsideSteps } from '../outside-steps.js';
import type { PendingCalls } from '../pending-calls.js';
import type { CreatedRun } from '../runs/run-creator.js';

const PAGE = 500;
const MOST_PREVIEWED = 1_000;

/** Looks at schedules, stops and starts them. */
export class ScheduleAdmin {
  constructor(
    private readonly buffer: WriteBuffer,
    private readonly pending: PendingCalls,
    private readonly context: CreationContext,
  ) {}

  list(): Promise<ScheduleRecord[]> {
    return this.pending.track(async () => {
      const found: ScheduleRecord[] = [];
      for (;;) {
        const page = await this.buffer.add(listSchedules(found.at(-1)?.id ?? '', PAGE));
        found.push(...page);
        if (page.length < PAGE) return found;
      }
    });
  }

  pause(id: string): Promise<void> {
    return this.pending.track(async () => {
      if (!canBeName(id, 'id') || (await this.buffer.add(pauseSchedule(id))) === 'MISSING') throw await this.notFound(id);
    });
  }

  resume(id: string): Promise<void> {
    return this.pending.track(() =>
      this.repeated(id, async ({ now, schedule }) => {
        const following = parseCron(schedule.expression, schedule.timezone).next(now);
        return this.buffer.add(resumeSchedule(schedule, following));
      }),
    );
  }

  trigger(id: string): Promise<CreatedRun> {
    return this.pending.track(async () => {
      warnOutsideSteps({ call: `the client to trigger schedule "${id}"`, instead: 'ctx.step.emitWorkflow()' }, false);
      let created: CreatedRun | undefined;
      await this.repeated(id, async ({ schedule }) => {
        const target = await this.context.directory.find(schedule.workflow, false);
        const prepared = await prepareRun(target, decodePayload(schedule.input), {}, this.context.maxPayloadBytes);
        const answer = await createIntercepted(this.context, prepared, {
          by: 'schedule',
          // What is sent has the input that is stored with the schedule.
          seal: (run) => run,
          write: (run) => this.buffer.add(triggerSchedule(id, run)),
          runIdOf: (written) => ('id' in written ? written.id : prepared.id),
        });
        if (answer.status === 'LIMITED') throw rateLimited(prepared, answer.retryAfterMs);
        if ('id' in answer) created = { id: answer.id, deduplicated: answer.status === 'COALESCED' };
        return answer.status;
      });
      return created as CreatedRun;
    });
  }

  preview(id: string, count: number): Promise<number[]> {
    return this.pending.track(async () => {
      checkPositiveInteger(count, 'count', { max: MOST_PREVIEWED });
      const { now, schedule } = await this.read(id);
      const cron = parseCron(schedule.expression, schedule.timezone);
      const instants: number[] = [];
      while (instants.length < count) instants.push(cron.next(instants.at(-1) ?? now));
      return instants;
    });
  }

  /** Once more when a deploy changed the schedule between reading it and acting on it. */
  private async repeated(id: string, act: (read: ScheduleRead) => Promise<string>): Promise<void> {
    for (;;) {
      const outcome = await act(await this.read(id));
      if (outcome === 'MISSING') throw await this.notFound(id);
      if (outcome !== 'CHANGED') return;
    }
  }

  private async read(id: string): Promise<ScheduleRead> {
    const read = canBeName(id, 'id') ? await this.buffer.add(readSchedule(id)) : null;
    if (!read) throw await this.notFound(id);
    return read;
  }

  private async notFound(id: string): Promise<ScheduleNotFoundError> {
    const known = canBeName(id, 'id') ? (await this.list()).map((schedule) => schedule.id) : [];
    return new ScheduleNotFoundError({ scheduleId: id, suggestions: closeMatches(id, known) });
  }
}
