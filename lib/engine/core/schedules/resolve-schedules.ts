import { createHash } from 'node:crypto';
import type { CronTrigger } from '../api/trigger.types.js';
import { checkScheduleId, rejectUnknownKeys } from '../checks/checks.js';
import { describeValue } from '../checks/describe-value.js';
import { withOptionOwner } from '../checks/option-context.js';
import { InvalidOptionError } from '../errors/option.errors.js';
import { encodePayload } from '../payload/payload.js';
import { type Cron, parseCron } from './cron.js';

const TRIGGER_KEYS = ['id', 'expression', 'timezone', 'input', 'misfire'];
const DEFAULT_TIMEZONE = 'UTC';
const DEFAULT_MISFIRE = 'once';
const MAX_ID_BYTES = 128;

/** A schedule, checked, with its defaults filled in. */
export interface ResolvedSchedule {
  readonly id: string;
  readonly cron: Cron;
  readonly misfire: 'once' | 'skip';
  /** Encoded payload. */
  readonly input: string;
}

/**
 * Checks the schedules of a workflow.
 *
 * @throws InvalidOptionError naming the schedule and what would be right, SerializationError for an input that is not JSON
 */
export function resolveSchedules(workflow: string, triggers: unknown): ResolvedSchedule[] {
  if (!Array.isArray(triggers)) {
    throw new InvalidOptionError(
      'cron',
      `Expected \`cron\` to be a list of schedules, [{ expression: '0 9 * * *' }]; got ${describeValue(triggers)}`,
    );
  }
  const schedules = triggers.map((trigger, index) => withOptionOwner(`cron[${index}]`, () => resolve(workflow, trigger)));
  const ids = new Set<string>();
  for (const { id } of schedules) {
    if (ids.has(id))
      throw new InvalidOptionError('cron.id', `Schedule "${id}" is declared twice; give each an \`id\` of its own`);
    ids.add(id);
  }
  return schedules;
}

function resolve(workflow: string, trigger: CronTrigger): ResolvedSchedule {
  rejectUnknownKeys(trigger ?? null, TRIGGER_KEYS, '`cron`');
  const { id, expression, timezone = DEFAULT_TIMEZONE, input, misfire = DEFAULT_MISFIRE } = trigger;
  if (misfire !== 'once' && misfire !== 'skip') {
    throw new InvalidOptionError('misfire', `Expected \`misfire\` to be 'once' or 'skip'; got ${describeValue(misfire)}`);
  }
  const cron = parseCron(expression, timezone);
  return Object.freeze({
    id: id === undefined ? defaultId(workflow, cron) : checkScheduleId(id),
    cron,
    misfire,
    input: encodePayload(input, `input of a schedule of workflow "${workflow}"`, Number.POSITIVE_INFINITY),
  });
}

/** Readable unless that is too long for an id. */
function defaultId(workflow: string, { expression, timezone }: Cron): string {
  const id = `${workflow} ${expression} ${timezone}`;
  return Buffer.byteLength(id) <= MAX_ID_BYTES ? id : createHash('sha256').update(id).digest('hex').slice(0, 32);
}
