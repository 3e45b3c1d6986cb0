import type { WorkflowMeta } from '../core/registry.types.js';
import type { Op } from './op.js';

/** Something that a worker's code declares: a workflow, a subscription to events or a schedule. */
export interface RegistryEntry {
  /** Kind and key first. */
  readonly args: readonly [kind: 'w' | 't' | 's', key: string, ...values: Array<string | number>];
}

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

export interface RegisteredSchedule {
  readonly id: string;
  /** Undefined when Redis has another schedule by this id, which a later deployment declared. */
  readonly nextAt?: number;
  /** The application it belonged to before, if that is another. */
  readonly formerApp?: string;
}

export interface Registration {
  readonly now: number;
  readonly schedules: RegisteredSchedule[];
}

/**
 * Makes entries known to the namespace; never removes any.
 * @param isRestoring writes only what Redis has lost, so that an older deployment does not undo what a newer one declared
 */
export function registerWorkflows(app: string, entries: readonly RegistryEntry[], isRestoring: boolean): Op<Registration> {
  return {
    name: 'register_workflows',
    args: [app, isRestoring ? 1 : 0, ...entries.flatMap(({ args }) => args)],
    parse: (reply) => {
      const [now, ...schedules] = reply as [number, ...Array<[string, string, string]>];
      return {
        now,
        schedules: schedules.map(([id, nextAt, formerApp]) => ({
          id,
          nextAt: nextAt === '' ? undefined : Number(nextAt),
          formerApp: formerApp || undefined,
        })),
      };
    },
  };
}

export function workflowEntry(meta: Omit<WorkflowMeta, 'updatedAt'>): RegistryEntry {
  return { args: ['w', meta.name, JSON.stringify(meta)] };
}

export function subscriptionEntry(workflow: string, pattern: string): RegistryEntry {
  return { args: ['t', `${Buffer.byteLength(workflow)}:${workflow}${pattern}`] };
}

/** @param nextAt kept only if the schedule is new or its times have changed */
export function scheduleEntry(schedule: DeclaredSchedule, nextAt: number): RegistryEntry {
  const { id, workflow, expression, timezone, misfire, input } = schedule;
  return { args: ['s', id, workflow, expression, timezone, misfire, input, nextAt] };
}

/** How an entry is listed among those of its application. */
export function memberOf({ args: [kind, key] }: RegistryEntry): string {
  return kind + key;
}
