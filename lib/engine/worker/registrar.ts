import type { Sealer } from '../core/sealer.js';
import type { CommitBuffer } from '../redis/commit-buffer.js';
import type { Membership } from '../redis/register-worker.js';
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
import { declarationsOf, teamOf, type WorkflowDeclaration } from './declarations.js';
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
  readonly membership: Membership;
  private readonly declarations: readonly WorkflowDeclaration[];

  constructor(
    private readonly host: RegistrarHost,
    workflows: ServedWorkflows,
    forgetAfterMs: number,
  ) {
    const { app, deployment } = host.options;
    this.declarations = declarationsOf(workflows, app);
    const names = this.declarations.map(({ meta }) => meta.name);
    this.membership = Object.freeze({
      declares: this.entries(0).map(memberOf),
      deployment,
      team: { id: teamOf(deployment, names), workflows: names },
      forgetAfterMs,
    });
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
    const schedules = this.declarations.flatMap((declared) => declared.schedules);
    return new Map(
      await Promise.all(
        schedules.map(async ({ id, input }) => [id, await this.host.sealer.seal(input, `input of schedule "${id}"`)] as const),
      ),
    );
  }

  private entries(now: number, inputs?: ReadonlyMap<string, string>): RegistryEntry[] {
    return this.declarations.flatMap(({ meta, schedules }) => [
      workflowEntry(meta),
      ...meta.events.map((pattern) => subscriptionEntry(meta.name, pattern)),
      ...schedules.map((schedule) => {
        const declared = declaredSchedule(meta.name, schedule);
        return scheduleEntry({ ...declared, input: inputs?.get(schedule.id) ?? '' }, schedule.cron.next(now));
      }),
    ]);
  }
}
