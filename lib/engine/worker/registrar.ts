import type { WorkflowMeta } from '../core/registry.types.js';
import type { ResolvedSchedule } from '../core/resolve-schedules.js';
import type { Sealer } from '../core/sealer.js';
import type { CommitBuffer } from '../redis/commit-buffer.js';
import {
  memberOf,
  type RegisteredSchedule,
  type RegistryEntry,
  registerWorkflows,
  scheduleEntry,
  subscriptionEntry,
  workflowEntry,
} from '../redis/register-workflows.js';
import { removeUndeclared } from '../redis/remove-undeclared.js';
import type { ServedWorkflow } from './pass-host.js';
import type { RedisClock } from './redis-clock.js';
import type { ResolvedWorkerOptions } from './resolve-worker-options.js';
import { declaredSchedule } from './scheduler.js';
import type { ServedWorkflows } from './served-workflows.js';

export interface RegistrarHost {
  readonly workerId: string;
  readonly options: ResolvedWorkerOptions;
  readonly buffer: CommitBuffer;
  readonly clock: RedisClock;
  readonly sealer: Sealer;
  warn(message: string, fields: object): void;
}

/** Entries per call, so that a large deployment does not hold Redis up. */
const BATCH = 100;

/** Makes what the worker's code declares known to the namespace, and at a deploy forgets what left the code. */
export class Registrar {
  /** Goes into the worker's lease: what a living worker declares is not removed by others. */
  readonly declares: readonly string[];

  constructor(
    private readonly host: RegistrarHost,
    private readonly workflows: ServedWorkflows,
  ) {
    this.declares = Object.freeze(this.entries(0).map(memberOf));
  }

  /**
   * Once at the start, under the worker's lease: what this code says holds from now on, and what left it is removed.
   * @returns the worker's schedules as Redis has them
   */
  async deploy(): Promise<RegisteredSchedule[]> {
    const schedules = await this.register(false);
    for (const { id, formerApp } of schedules) {
      if (formerApp === undefined) continue;
      this.host.warn(
        `Schedule "${id}" belonged to application "${formerApp}" and is now of "${this.host.options.app}". Ids of schedules are ` +
          'unique in a namespace: give one of them another `id` if both are meant.',
        { scheduleId: id },
      );
    }
    while ((await this.host.buffer.add(removeUndeclared(this.host.workerId, BATCH))) === 'AGAIN');
    return schedules;
  }

  /** Writes what Redis has lost; what a later deployment has changed stays. */
  restore(): Promise<RegisteredSchedule[]> {
    return this.register(true);
  }

  private async register(isRestoring: boolean): Promise<RegisteredSchedule[]> {
    const { options, buffer, clock } = this.host;
    const entries = this.entries(Math.floor(clock.now()), await this.sealedInputs());
    const schedules: RegisteredSchedule[] = [];
    for (let from = 0; from < entries.length; from += BATCH) {
      const batch = entries.slice(from, from + BATCH);
      schedules.push(...(await buffer.add(registerWorkflows(options.app, batch, isRestoring))).schedules);
    }
    return schedules;
  }

  /** By schedule. */
  private async sealedInputs(): Promise<Map<string, string>> {
    const schedules = this.workflows.current.flatMap(({ options }) => options.schedules);
    return new Map(
      await Promise.all(
        schedules.map(async ({ id, input }) => [id, await this.host.sealer.seal(input, `input of schedule "${id}"`)] as const),
      ),
    );
  }

  private entries(now: number, inputs?: ReadonlyMap<string, string>): RegistryEntry[] {
    return this.workflows.current.flatMap(({ options }) => [
      workflowEntry(this.metaOf(options)),
      ...[...new Set(options.events.map(({ name }) => name))].map((pattern) => subscriptionEntry(options.name, pattern)),
      ...options.schedules.map((schedule) => {
        const declared = declaredSchedule(options.name, schedule);
        return scheduleEntry({ ...declared, input: inputs?.get(schedule.id) ?? '' }, schedule.cron.next(now));
      }),
    ]);
  }

  private metaOf(options: ServedWorkflow['options']): Omit<WorkflowMeta, 'updatedAt'> {
    const { name, queue, version, maxAttempts, maxConcurrency, priority, tags } = options;
    const versions = this.workflows.versionsOf(name).flatMap((served) => served.options.version ?? []);
    return {
      name,
      app: this.host.options.app,
      queue,
      version,
      versions: versions.length > 0 ? versions : undefined,
      maxAttempts,
      maxConcurrency,
      priority,
      tags,
      retries: options.retry.meta,
      cron: options.schedules.map(triggerOf),
      events: options.events.map((trigger) => trigger.name),
    };
  }
}

function triggerOf({ id, cron, misfire }: ResolvedSchedule): WorkflowMeta['cron'][number] {
  return { id, expression: cron.expression, timezone: cron.timezone, misfire };
}
