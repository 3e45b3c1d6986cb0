import { createHash } from 'node:crypto';
import type { WorkflowMeta } from '../../core/api/registry.types.js';
import type { ResolvedSchedule } from '../../core/schedules/resolve-schedules.js';
import type { ServedWorkflow } from '../pass/pass-host.js';
import type { ServedWorkflows } from './served-workflows.js';

/** What a worker's code declares of a workflow; inputs of its schedules are not sealed yet. */
export interface WorkflowDeclaration {
  readonly meta: Omit<WorkflowMeta, 'updatedAt'>;
  readonly schedules: readonly ResolvedSchedule[];
}

/** By name, so that equal workers declare the same; of several versions of a workflow, what the current one says. */
export function declarationsOf(workflows: ServedWorkflows, app: string): WorkflowDeclaration[] {
  return workflows.current
    .map(({ options }) => ({ meta: metaOf(options, workflows, app), schedules: options.schedules }))
    .sort((a, b) => (a.meta.name < b.meta.name ? -1 : 1));
}

/** Names the deployment of a worker that has no other name for it. */
export function digestOf(declarations: readonly WorkflowDeclaration[]): string {
  return shortDigest(declarations.map(({ meta, schedules }) => ({ meta, inputs: schedules.map(({ input }) => input) })));
}

/** Of a deployment, the workers that serve the same workflows. */
export function teamOf(deployment: string, workflows: readonly string[]): string {
  return shortDigest([deployment, ...workflows]);
}

const DIGITS = 12;

function shortDigest(value: unknown): string {
  return createHash('sha1').update(JSON.stringify(value, sortingKeys)).digest('hex').slice(0, DIGITS);
}

function sortingKeys(_key: string, value: unknown): unknown {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isRecord ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;
}

function metaOf(options: ServedWorkflow['options'], workflows: ServedWorkflows, app: string): WorkflowDeclaration['meta'] {
  const { name, queue, version, maxAttempts, maxConcurrency, priority, tags } = options;
  const versions = workflows.versionsOf(name).flatMap((served) => served.options.version ?? []);
  return {
    name,
    app,
    queue,
    version,
    versions: versions.length > 0 ? versions : undefined,
    maxAttempts,
    maxConcurrency,
    priority,
    tags,
    retries: options.retry.meta,
    cron: options.schedules.map(triggerOf),
    events: [...new Set(options.events.map((trigger) => trigger.name))],
  };
}

function triggerOf({ id, cron, misfire }: ResolvedSchedule): WorkflowMeta['cron'][number] {
  return { id, expression: cron.expression, timezone: cron.timezone, misfire };
}
