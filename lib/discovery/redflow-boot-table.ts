import type { WorkflowDefinition } from '../engine/index.js';
import { memberName } from '../redflow.messages.js';
import type { DiscoveredWorkflow } from './discovered-workflow.interface.js';

const COLUMNS = ['workflow', 'provider', 'queue', 'started by'];
const LIMITS = ['maxConcurrency', 'mutex', 'throttle', 'rateLimit', 'debounce'] as const;

/** What one connection of an application executes, a line for each workflow: where it was found, its queue, its triggers, its limits. */
export function bootTable(
  connection: string,
  workflows: readonly DiscoveredWorkflow[],
  definitions: readonly WorkflowDefinition[],
): string {
  const current = new Set(definitions.filter(({ options }) => options.current).map(({ name }) => name));
  const rows = definitions.map((definition, index) =>
    rowOf(definition, placeOf(workflows[index]), current.has(definition.name) && !definition.options.current),
  );
  const widths = COLUMNS.map((title, column) => Math.max(...[COLUMNS, ...rows].map((row) => row[column].length), title.length));
  const lines = [COLUMNS, ...rows].map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column])).join('  ')}`.trimEnd(),
  );
  return [`Workflows of connection "${connection}":`, ...lines].join('\n');
}

function placeOf({ target, method, moduleName }: DiscoveredWorkflow): string {
  return `${memberName(target.name, method ?? '')} (${moduleName})`;
}

/** @param isOld it is not the current version, whose triggers and limits are those of the name */
function rowOf({ name, options }: WorkflowDefinition, place: string, isOld: boolean): string[] {
  const { queue = 'default', event = [], cron = [], version } = options;
  const title = version === undefined ? name : `${name} (${version})`;
  if (isOld) return [title, place, queue, version === undefined ? 'runs that began without a version' : 'runs pinned to it'];
  const events = event.map((trigger) => `event ${trigger.name}${trigger.if ? ' (filtered)' : ''}`);
  const schedules = cron.map(({ expression, timezone = 'UTC' }) => `cron ${expression} (${timezone})`);
  const limits = LIMITS.filter((limit) => options[limit] !== undefined);
  const triggers = [...events, ...schedules].join(', ') || 'calls';
  return [title, place, queue, limits.length > 0 ? `${triggers}; ${limits.join(', ')}` : triggers];
}
