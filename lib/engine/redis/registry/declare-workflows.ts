import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

/** A schedule as its definition has it. */
export interface DeclaredSchedule {
  readonly id: string;
  readonly workflow: string;
  readonly expression: string;
  readonly timezone: string;
  readonly misfire: 'once' | 'skip';
  /** Encoded payload. */
  readonly input: string;
}

/** What a worker's code declares of a workflow. */
export interface Declaration {
  readonly workflow: string;
  /** JSON of its metadata, its subscriptions and limits among them, without `updatedAt`. */
  readonly meta: string;
  /** Each with the next instant from now on, which only counts if Redis has none. */
  readonly schedules: ReadonlyArray<{ readonly declared: DeclaredSchedule; readonly nextAt: number }>;
  /** For how long it is kept while nobody serves the workflow. */
  readonly forgetAfterMs: number;
}

export interface RegisteredSchedule {
  readonly id: string;
  /** Undefined when another declaration of it holds. */
  readonly nextAt?: number;
  /** Another workflow that declares a schedule by this id: it has the schedule, or had it until now if `nextAt` is there. */
  readonly otherWorkflow?: string;
}

export interface Declared {
  /** `LOST`: the worker serves nothing, because it stops or has lost its lease; nothing was written. */
  readonly status: 'OK' | 'LOST';
  readonly now: number;
  readonly schedules: RegisteredSchedule[];
}

const DECLARE_WORKFLOWS = defineOperation({
  name: 'declare_workflows',
  args: ['worker', 'restore', '...entries'],
  reply: (reply): Declared => {
    const [status, now, ...schedules] = reply as [Declared['status'], number, ...Array<[string, string, string]>];
    return {
      status,
      now,
      schedules: schedules.map(([id, nextAt, otherWorkflow]) => ({
        id,
        nextAt: nextAt === '' ? undefined : Number(nextAt),
        otherWorkflow: otherWorkflow || undefined,
      })),
    };
  },
});

/**
 * Declares workflows for the deployment of a worker. What holds then is what the youngest living deployment declares.
 * @param isRestoring writes only what Redis has lost
 */
export function declareWorkflows(workerId: string, declarations: readonly Declaration[], isRestoring: boolean): Op<Declared> {
  return DECLARE_WORKFLOWS({ worker: workerId, restore: isRestoring, entries: declarations.flatMap(argsOf) });
}

function argsOf({ workflow, meta, schedules, forgetAfterMs }: Declaration): string[] {
  const stored = schedules.map(({ declared: { id, expression, timezone, misfire, input } }) => {
    return { id, ex: expression, tz: timezone, mi: misfire, ip: input };
  });
  const declaration = JSON.stringify({ m: meta, s: stored, f: forgetAfterMs });
  return [workflow, declaration, JSON.stringify(schedules.map(({ nextAt }) => nextAt))];
}
