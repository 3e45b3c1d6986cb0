import type { WorkflowMeta } from '../core/registry.types.js';
import type { CommitBuffer } from '../redis/commit-buffer.js';
import {
  memberOf,
  type RegistryEntry,
  registerWorkflows,
  subscriptionEntry,
  workflowEntry,
} from '../redis/register-workflows.js';
import { removeUndeclared } from '../redis/remove-undeclared.js';
import type { ServedWorkflow } from './pass.js';
import type { ResolvedWorkerOptions } from './resolve-worker-options.js';

export interface RegistrarHost {
  readonly workerId: string;
  readonly options: ResolvedWorkerOptions;
  readonly buffer: CommitBuffer;
}

/** Entries per call, so that a large deployment does not hold Redis up. */
const BATCH = 100;

/** Makes what the worker's code declares known to the namespace, and at a deploy forgets what left the code. */
export class Registrar {
  /** Goes into the worker's lease: what a living worker declares is not removed by others. */
  readonly declares: readonly string[];
  private readonly entries: readonly RegistryEntry[];

  constructor(
    private readonly host: RegistrarHost,
    workflows: ReadonlyMap<string, ServedWorkflow>,
  ) {
    this.entries = [...workflows.values()].flatMap(({ options }) => [
      workflowEntry(metaOf(options, host.options.app)),
      ...[...new Set(options.events.map(({ name }) => name))].map((pattern) => subscriptionEntry(options.name, pattern)),
    ]);
    this.declares = Object.freeze(this.entries.map(memberOf));
  }

  /** Once at the start, under the worker's lease: what this code says holds from now on. */
  async deploy(): Promise<void> {
    await this.register(false);
    while ((await this.host.buffer.add(removeUndeclared(this.host.workerId, BATCH))) === 'AGAIN');
  }

  /** Writes what Redis has lost; what a later deployment has changed stays. */
  async restore(): Promise<void> {
    await this.register(true);
  }

  private async register(isRestoring: boolean): Promise<void> {
    const { app } = this.host.options;
    for (let from = 0; from < this.entries.length; from += BATCH) {
      await this.host.buffer.add(registerWorkflows(app, this.entries.slice(from, from + BATCH), isRestoring));
    }
  }
}

function metaOf(options: ServedWorkflow['options'], app: string): Omit<WorkflowMeta, 'updatedAt'> {
  return {
    name: options.name,
    app,
    queue: options.queue,
    version: options.version,
    maxAttempts: options.maxAttempts,
    priority: options.priority,
    tags: options.tags,
    retries: options.retry.meta,
    cron: [],
    events: options.events.map(({ name }) => name),
  };
}
