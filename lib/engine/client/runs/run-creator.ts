import type { CreateOptions } from '../../core/api/client.types.js';
import type { AnyWorkflowRef } from '../../core/api/workflow.types.js';
import { checkObject } from '../../core/checks/checks.js';
import { describeValue } from '../../core/checks/describe-value.js';
import { IdempotencyConflictError, InvalidOptionError, RateLimitedError } from '../../core/errors/index.js';
import { sameJson } from '../../core/payload/json-equal.js';
import type { RunTarget } from '../../core/workflows/run-target.js';
import type { CreationContext } from '../../creation/creation-context.js';
import { createIntercepted } from '../../creation/intercepted-creation.js';
import { prepareRun } from '../../creation/prepare-run.js';
import { rateLimited } from '../../creation/rate-limited.js';
import { readRun } from '../../redis/queries/read-run.js';
import { type Created, createRun, type NewRun } from '../../redis/runs/create-run.js';
import type { WriteBuffer } from '../../redis/script/write-buffer.js';
import { warnOutsideSteps } from '../outside-steps.js';
import type { PendingCalls } from '../pending-calls.js';
import { Gathering } from './gathering.js';

export interface CreatedRun {
  readonly id: string;
  readonly deduplicated: boolean;
}

/** Creates runs: everything is checked before anything is written. */
export class RunCreator {
  constructor(
    private readonly buffer: WriteBuffer,
    private readonly pending: PendingCalls,
    private readonly context: CreationContext,
  ) {}

  create(ref: AnyWorkflowRef, input: unknown, options: CreateOptions = {}): Promise<CreatedRun> {
    return this.pending.track(async () => {
      checkObject(options, 'the options of run()');
      const target = await this.context.directory.find(ref, allowsUnknown(options), options.version);
      warnOfRepeats(target.workflow, options);
      const run = await prepareRun(target, input, options, this.context.maxPayloadBytes);
      return this.intercepted(run, (sealed) => this.write(run, sealed, options));
    });
  }

  /**
   * All or nothing for bad input: every item is checked before the first is written. What Redis refuses, such as items over a rate limit,
   * rejects the call once all others are written.
   */
  createMany(ref: AnyWorkflowRef, items: ReadonlyArray<{ input: unknown } & CreateOptions>): Promise<CreatedRun[]> {
    return this.pending.track(async () => {
      checkItems(items);
      const allowUnknown = items.some((item) => allowsUnknown(item));
      const targets = new Map<string | undefined, RunTarget>();
      for (const { version } of [{ version: undefined }, ...items]) {
        if (!targets.has(version)) targets.set(version, await this.context.directory.find(ref, allowUnknown, version));
      }
      const runs: Array<{ run: NewRun; options: CreateOptions }> = [];
      for (const { input, ...options } of items) {
        const target = targets.get(options.version) as RunTarget;
        warnOfRepeats(target.workflow, options);
        runs.push({ run: await prepareRun(target, input, options, this.context.maxPayloadBytes), options });
      }
      // All of them are ready before the first is written: they are queued in their order, whatever a codec takes for each.
      const together = new Gathering(runs.length);
      const create = ({ run, options }: (typeof runs)[number], place: number) =>
        together.member(place, (arrive) =>
          this.intercepted(run, async (sealed) => {
            await arrive();
            return this.write(run, sealed, options);
          }),
        );
      return allCreated(await Promise.allSettled(runs.map(create)));
    });
  }

  private intercepted(run: NewRun, write: (sealed: NewRun) => Promise<CreatedRun>): Promise<CreatedRun> {
    return createIntercepted(this.context, run, { by: 'client', write, runIdOf: ({ id }) => id });
  }

  private async write(run: NewRun, sealed: NewRun, options: CreateOptions): Promise<CreatedRun> {
    const created = await this.buffer.add(createRun(sealed));
    if (created.status === 'CREATED') return { id: created.id, deduplicated: false };
    if (created.status === 'CONFLICT') throw conflict(run, created, 'workflow');
    if (created.status === 'LIMITED') throw rateLimited(run, created.retryAfterMs);
    if (created.status === 'EXISTS' && options.onConflict === 'error') await this.refuseOtherInput(run, created);
    return { id: created.id, deduplicated: true };
  }

  /** Only that of a debounced run that is yet to start changes, so it can be compared after the fact. */
  private async refuseOtherInput(run: NewRun, created: Created): Promise<void> {
    const existing = await this.buffer.add(readRun(created.id));
    const input = existing?.input === undefined ? '' : JSON.stringify(existing.input);
    if (existing && !sameJson(input, run.input)) throw conflict(run, created, 'input');
  }
}

/** @throws what the first one rejected with; a rate limit says how many of the others there are */
function allCreated(outcomes: ReadonlyArray<PromiseSettledResult<CreatedRun>>): CreatedRun[] {
  const created = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const refused = outcomes.find((outcome) => outcome.status === 'rejected');
  if (refused?.reason instanceof RateLimitedError) throw new RateLimitedError({ ...refused.reason, created: created.length });
  if (refused) throw refused.reason;
  return created;
}

/** @throws InvalidOptionError */
function checkItems(items: unknown): void {
  if (!Array.isArray(items)) {
    throw new InvalidOptionError('items', `Expected the items of runMany() to be an array; got ${describeValue(items)}`);
  }
  // Not by forEach(), which passes over holes.
  for (let i = 0; i < items.length; i++) checkObject(items[i], `item ${i} of runMany(), { input, ...options },`, 'items');
}

function warnOfRepeats(workflow: string, { runId, idempotencyKey }: CreateOptions): void {
  const instead = 'ctx.step.runWorkflow() to wait for the run, ctx.step.emitWorkflow() only to start it';
  const isRepeatable = runId !== undefined || idempotencyKey !== undefined;
  warnOutsideSteps({ call: `the client to run "${workflow}"`, instead, key: 'an idempotencyKey' }, isRepeatable);
}

function allowsUnknown(options: CreateOptions): boolean {
  return options.allowUnknown === true;
}

function conflict(run: NewRun, created: Created, problem: 'input' | 'workflow'): IdempotencyConflictError {
  return new IdempotencyConflictError({
    existingRunId: created.id,
    workflow: run.workflow,
    problem,
    ...(created.id === run.id ? { runId: run.id } : { key: run.idempotencyKey }),
  });
}
