import type { EmitOptions } from '../core/api/client.types.js';
import type { EventRef } from '../core/api/event.types.js';
import { rejectUnknownKeys } from '../core/checks/checks.js';
import { describeValue } from '../core/checks/describe-value.js';
import { checkCorrelationKey, checkEventId } from '../core/checks/text-checks.js';
import { InvalidOptionError } from '../core/errors/index.js';
import { newId } from '../core/ids.js';
import { decodePayload, encodePayload } from '../core/payload/payload.js';
import { resolveEvent } from '../core/workflows/event-names.js';
import { validateEventData } from '../core/workflows/validate-input.js';
import type { NewEvent } from '../redis/events/emit-event.js';
import { admitEvent } from './admit-event.js';
import type { CreationContext } from './creation-context.js';

const EMIT_OPTIONS = ['eventId', 'correlationKey', 'ts'] as const satisfies ReadonlyArray<keyof EmitOptions>;

/**
 * Checks and encodes all that an emission needs, and asks the filters and schemas of the subscribers that this process knows.
 * @throws InvalidOptionError, InputValidationError, SerializationError, PayloadTooLargeError, CodecError
 */
export async function prepareEvent(
  ref: EventRef,
  given: unknown,
  options: EmitOptions,
  context: Pick<CreationContext, 'directory' | 'maxPayloadBytes' | 'sealer'>,
): Promise<NewEvent> {
  const { directory, maxPayloadBytes, sealer } = context;
  const { name, schema } = resolveEvent(ref);
  rejectUnknownKeys(options, EMIT_OPTIONS, `event "${name}"`);
  const { eventId, correlationKey, ts } = options;
  if (eventId !== undefined) checkEventId(eventId);
  if (correlationKey !== undefined) checkCorrelationKey(correlationKey);
  if (ts !== undefined && !(Number.isSafeInteger(ts) && ts >= 0)) {
    throw new InvalidOptionError('ts', `Expected \`ts\` to be whole epoch milliseconds; got ${describeValue(ts)}`);
  }
  const checked = schema ? await validateEventData(schema, given, name) : given;
  const where = `data of event "${name}"`;
  const json = encodePayload(checked, where, maxPayloadBytes);
  const data = await sealer.seal(json, where);
  const id = eventId ?? newId();
  // Filters see what subscribers will get.
  const event = {
    id,
    name,
    ts: ts ?? Date.now(),
    data: decodePayload(json),
    ...(correlationKey !== undefined && { correlationKey }),
  };
  const subscribers = await directory.subscribersOf(name);
  const verdicts = await Promise.all(
    subscribers.map(async (target) => ({ target, ...(await admitEvent(target, event, sealer)) })),
  );
  return { id, nonce: eventId === undefined ? '' : newId(), name, ts, correlationKey, data, headers: '', verdicts };
}
