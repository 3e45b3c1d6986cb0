import { type Declaration, declareWorkflows, type RegisteredSchedule } from '../../redis/registry/declare-workflows.js';
import type { Membership } from '../../redis/workers/register-worker.js';
import type { WorkerContext } from '../worker-context.js';
import { declarationsOf, teamOf, type WorkflowDeclaration } from './declarations.js';
import { declaredSchedule } from './scheduler.js';
import type { ServedWorkflows } from './served-workflows.js';
import { warnOfUnserved } from './warn-of-unserved.js';
import { warnOfUnservedVersions } from './warn-of-versions.js';

/** Workflows, subscriptions and schedules per call, so that a large deployment does not hold Redis up. */
const BATCH = 100;

/** Declares what the worker's code says of its workflows; what holds of it is for Redis to decide. */
export class Registrar {
  readonly membership: Membership;
  private readonly declarations: readonly WorkflowDeclaration[];
  private asked: Promise<void> | undefined;

  constructor(
    private readonly context: WorkerContext,
    workflows: ServedWorkflows,
    /** Told what Redis says of the worker's schedules. */
    private readonly onSchedules: (schedules: readonly RegisteredSchedule[]) => void,
  ) {
    const { app, deployment } = context.options;
    this.declarations = declarationsOf(workflows, app);
    const names = this.declarations.map(({ meta }) => meta.name);
    this.membership = Object.freeze({
      serves: workflows.routes,
      deployment,
      team: { id: teamOf(deployment, names), workflows: names },
      forgetAfterMs: context.forgetAfterMs,
    });
  }

  /** Once at the start, under the worker's lease. */
  async deploy(): Promise<void> {
    const schedules = await this.declare(false);
    for (const schedule of schedules) this.warnOfOther(schedule);
    await warnOfUnserved(
      this.declarations.map(({ meta }) => ({ workflow: meta.name, queue: meta.queue })),
      this.context,
    );
    await warnOfUnservedVersions(
      this.declarations.map(({ meta }) => meta.name),
      this.context,
    );
    this.onSchedules(schedules);
  }

  /** Writes what Redis has lost of the worker's declarations, and learns which of them hold by now. */
  async restore(): Promise<void> {
    this.onSchedules(await this.declare(true));
  }

  /** Told that what it declares may hold again, or be gone. What fails is made up by the next round of {@link restore}. */
  restoreSoon(): void {
    this.asked ??= this.restore()
      .catch(() => undefined)
      .finally(() => {
        this.asked = undefined;
      });
  }

  private async declare(isRestoring: boolean): Promise<RegisteredSchedule[]> {
    const { workerId, buffer, clock } = this.context;
    const declarations = this.declarationsAt(Math.floor(clock.now()), await this.sealedInputs());
    const schedules: RegisteredSchedule[] = [];
    for (const batch of batchesOf(declarations)) {
      schedules.push(...(await buffer.add(declareWorkflows(workerId, batch, isRestoring))).schedules);
    }
    return schedules;
  }

  /** By schedule. */
  private async sealedInputs(): Promise<Map<string, string>> {
    const schedules = this.declarations.flatMap((declared) => declared.schedules);
    return new Map(
      await Promise.all(
        schedules.map(async ({ id, input }) => [id, await this.context.sealer.seal(input, `input of schedule "${id}"`)] as const),
      ),
    );
  }

  private declarationsAt(now: number, inputs: ReadonlyMap<string, string>): Declaration[] {
    return this.declarations.map(({ meta, schedules }) => ({
      workflow: meta.name,
      meta: JSON.stringify(meta),
      schedules: schedules.map((schedule) => ({
        declared: { ...declaredSchedule(meta.name, schedule), input: inputs.get(schedule.id) ?? '' },
        nextAt: schedule.cron.next(now),
      })),
      forgetAfterMs: this.membership.forgetAfterMs,
    }));
  }

  private warnOfOther({ id, nextAt, otherWorkflow }: RegisteredSchedule): void {
    if (otherWorkflow === undefined) return;
    const owner = this.declarations.find(({ schedules }) => schedules.some((schedule) => schedule.id === id))?.meta.name;
    const what =
      nextAt === undefined
        ? `Schedule "${id}" of workflow "${owner}" does not fire: workflow "${otherWorkflow}", which is served, has a schedule by this id.`
        : `Schedule "${id}" was of workflow "${otherWorkflow}" and is now of "${owner}".`;
    this.context.warn(`${what} Ids of schedules are unique in a namespace: give one of them another \`id\` if both are meant.`, {
      scheduleId: id,
    });
  }
}

function batchesOf(declarations: readonly Declaration[]): Declaration[][] {
  const batches: Declaration[][] = [];
  let room = 0;
  for (const declaration of declarations) {
    if (room <= 0) {
      batches.push([]);
      room = BATCH;
    }
    batches[batches.length - 1].push(declaration);
    room -= 1 + declaration.schedules.length;
  }
  return batches;
}
