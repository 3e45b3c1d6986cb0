import {
  checkIdempotencyKey,
  checkMaxAttempts,
  checkName,
  checkPriority,
  checkRunId,
  checkTags,
  rejectUnknownKeys,
} from '../core/checks.js';
import type { AnyWorkflowRef, CreateOptions } from '../core/client.types.js';
import { parsePositiveDuration, parseWhen } from '../core/duration.js';
import { IdempotencyConflictError, InvalidOptionError } from '../core/errors/index.js';
import { newId } from '../core/ids.js';
import { sameJson } from '../core/json-equal.js';
import { encodePayload } from '../core/payload.js';
import { validateInput } from '../core/validate-input.js';
import type { CommitBuffer } from '../redis/commit-buffer.js';
import { type Created, createRun, type NewRun } from '../redis/create-run.js';
import { readRun } from '../redis/read-run.js';
import type { RunTarget, WorkflowDirectory } from './workflow-directory.js';

const CREATE_OPTION_NAMES = [
  'runId',
  'runAt',
  'queue',
  'idempotencyKey',
  'idempotencyTtl',
  'onConflict',
  'allowUnknown',
  'priority',
  'tags',
  'maxAttempts',
] as const satisfies ReadonlyArray<keyof CreateOptions>;

const DEFAULT_IDEMPOTENCY_TTL_MS = 24 * 3_600_000;
const NO_DELAY = { delayMs: 0 };

export interface CreatedRun {
  readonly id: string;
  readonly deduplicated: boolean;
}

/** Creates runs: everything is checked before anything is written. */
export class RunCreator {
  private pending = 0;
  private idleWaiters: Array<() => void> = [];

  constructor(
    private readonly buffer: CommitBuffer,
    private readonly directory: WorkflowDirectory,
    private readonly maxPayloadBytes: number,
  ) {}

  /** Resolves when every create issued so far has been answered, those still being checked included. */
  idle(): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  create(ref: AnyWorkflowRef, input: unknown, options: CreateOptions = {}): Promise<CreatedRun> {
    return this.counted(async () => {
      const target = await this.directory.find(ref, allowsUnknown(options));
      return this.write(await this.prepare(target, input, options), options);
    });
  }

  /** All or nothing for bad input: every item is checked before the first is written. */
  createMany(ref: AnyWorkflowRef, items: ReadonlyArray<{ input: unknown } & CreateOptions>): Promise<CreatedRun[]> {
    return this.counted(async () => {
      const target = await this.directory.find(
        ref,
        items.some((item) => allowsUnknown(item)),
      );
      const runs: Array<{ run: NewRun; options: CreateOptions }> = [];
      for (const { input, ...options } of items) runs.push({ run: await this.prepare(target, input, options), options });
      return Promise.all(runs.map(({ run, options }) => this.write(run, options)));
    });
  }

  private async counted<T>(create: () => Promise<T>): Promise<T> {
    this.pending++;
    try {
      return await create();
    } finally {
      this.pending--;
      if (this.pending === 0) for (const resolve of this.idleWaiters.splice(0)) resolve();
    }
  }

  private async prepare(target: RunTarget, input: unknown, options: CreateOptions): Promise<NewRun> {
    checkOptions(options);
    const { workflow } = target;
    if (target.input) await validateInput(target.input, input, workflow);
    const id = options.runId ?? newId();
    return {
      id,
      nonce: options.runId === undefined ? '' : newId(),
      workflow,
      queue: options.queue ?? target.queue,
      priority: options.priority ?? target.priority,
      maxAttempts: options.maxAttempts ?? target.maxAttempts,
      version: target.version,
      tags: mergedTags(target.tags, options.tags),
      start: options.runAt === undefined ? NO_DELAY : parseWhen(options.runAt, 'runAt'),
      idempotencyKey: options.idempotencyKey,
      idempotencyTtlMs:
        options.idempotencyTtl === undefined
          ? DEFAULT_IDEMPOTENCY_TTL_MS
          : Math.ceil(parsePositiveDuration(options.idempotencyTtl, 'idempotencyTtl')),
      input: encodePayload(input, `input of workflow "${workflow}"`, this.maxPayloadBytes),
    };
  }

  private async write(run: NewRun, options: CreateOptions): Promise<CreatedRun> {
    const created = await this.buffer.add(createRun(run));
    if (created.status === 'CREATED') return { id: created.id, deduplicated: false };
    if (created.status === 'CONFLICT') throw conflict(run, created, 'workflow');
    if (options.onConflict === 'error') await this.refuseOtherInput(run, created);
    return { id: created.id, deduplicated: true };
  }

  /** A run's input never changes, so it can be compared after the fact. */
  private async refuseOtherInput(run: NewRun, created: Created): Promise<void> {
    const existing = await this.buffer.add(readRun(created.id));
    const input = existing?.input === undefined ? '' : JSON.stringify(existing.input);
    if (existing && !sameJson(input, run.input)) throw conflict(run, created, 'input');
  }
}

function allowsUnknown(options: CreateOptions): boolean {
  return options.allowUnknown === true;
}

function checkOptions(options: CreateOptions): void {
  rejectUnknownKeys(options, CREATE_OPTION_NAMES, 'run options');
  const { runId, queue, idempotencyKey, priority, tags, maxAttempts, onConflict } = options;
  if (runId !== undefined) checkRunId(runId);
  if (queue !== undefined) checkName(queue, 'queue');
  if (idempotencyKey !== undefined) checkIdempotencyKey(idempotencyKey);
  if (priority !== undefined) checkPriority(priority);
  if (tags !== undefined) checkTags(tags);
  if (maxAttempts !== undefined) checkMaxAttempts(maxAttempts);
  if (onConflict !== undefined && onConflict !== 'return' && onConflict !== 'error') {
    throw new InvalidOptionError('onConflict', `Expected \`onConflict\` to be 'return' or 'error'; got '${onConflict}'`);
  }
}

/** The limit counts what the workflow and the call give together. */
function mergedTags(ofWorkflow: Record<string, string>, ofCall: Record<string, string> | undefined): Record<string, string> {
  if (!ofCall) return ofWorkflow;
  const merged = { ...ofWorkflow, ...ofCall };
  checkTags(merged);
  return merged;
}

function conflict(run: NewRun, created: Created, problem: 'input' | 'workflow'): IdempotencyConflictError {
  return new IdempotencyConflictError({
    existingRunId: created.id,
    workflow: run.workflow,
    problem,
    ...(created.id === run.id ? { runId: run.id } : { key: run.idempotencyKey }),
  });
}
