import type { CreateOptions } from '../core/api/client.types.js';
import type { ReceivedEvent } from '../core/api/event.types.js';
import { checkPositiveInteger, checkRunId, rejectUnknownKeys } from '../core/checks/checks.js';
import { describeValue } from '../core/checks/describe-value.js';
import { InvalidOptionError } from '../core/errors/index.js';
import { newId } from '../core/ids.js';
import { resolveEvent } from '../core/workflows/event-names.js';
import type { RawFields } from '../redis/runs/stored-run.js';
import type { InlineRunFields, RunInlineOptions } from './inline.types.js';

const RUN_FIELDS = [
  'id',
  'queue',
  'attempt',
  'maxAttempts',
  'priority',
  'tags',
  'trigger',
  'parentRunId',
  'parentStep',
  'rootRunId',
  'idempotencyKey',
] as const satisfies ReadonlyArray<keyof InlineRunFields>;

type Envelope = Omit<ReceivedEvent, 'data'>;

/** What a test says of its run, taken apart as the engine takes it. */
export interface InlineFields {
  /** What a caller could have said. */
  readonly create: CreateOptions;
  /** What only the engine says. */
  readonly extra: RawFields;
  /** Envelope of the event that starts the run. */
  readonly envelope?: Envelope;
}

/** @throws InvalidOptionError */
export function resolveInlineFields({ run = {}, event, schedule }: RunInlineOptions): InlineFields {
  rejectUnknownKeys(run, RUN_FIELDS, '`run`');
  const { id, attempt = 1, trigger, parentRunId, parentStep, rootRunId, ...create } = run;
  if (id !== undefined) checkRunId(id);
  checkPositiveInteger(attempt, 'run.attempt');
  const started = event ? 'event' : schedule ? 'cron' : undefined;
  return {
    create,
    extra: {
      ...{ failures: String(attempt - 1), trigger: trigger ?? started, parentRunId, parentStep, rootRunId },
      ...(schedule && scheduleFields(schedule)),
    },
    envelope: event && envelopeOf(event),
  };
}

function scheduleFields(schedule: NonNullable<RunInlineOptions['schedule']>): RawFields {
  rejectUnknownKeys(schedule, ['id', 'instant'], '`schedule`');
  const { id, instant } = schedule;
  if (typeof id === 'string' && Number.isSafeInteger(instant)) return { scheduleId: id, scheduledFor: String(instant) };
  throw new InvalidOptionError(
    'schedule',
    `Expected \`schedule\` to be { id, instant } with epoch milliseconds; got ${describeValue(schedule)}`,
  );
}

function envelopeOf(event: NonNullable<RunInlineOptions['event']>): Envelope {
  rejectUnknownKeys(event, ['id', 'name', 'ts', 'correlationKey'], '`event`');
  const { id = newId(), ts = Date.now(), name, correlationKey } = event;
  return { id, ts, name: resolveEvent(name).name, ...(correlationKey !== undefined && { correlationKey }) };
}
