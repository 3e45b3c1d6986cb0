import { rejectUnknownKeys } from '../core/checks.js';
import type { EmitOptions } from '../core/client.types.js';
import { describeValue } from '../core/describe-value.js';
import { InvalidOptionError } from '../core/errors/index.js';
import type { EventRef } from '../core/event.types.js';
import { resolveEvent } from '../core/event-names.js';
import { newId } from '../core/ids.js';
import { decodePayload, encodePayload } from '../core/payload.js';
import { checkCorrelationKey, checkEventId } from '../core/text-checks.js';
import { validateEventData } from '../core/validate-input.js';
import type { CreationHost } from './creation-host.js';
import type { NewEvent } from './emit-event.js';
import { judgeEvent } from './judge-event.js';

const EMIT_OPTIONS = ['eventId', 'correlationKey', 'ts'] as const satisfies ReadonlyArray<keyof EmitOptions>;

/**
 * Checks and encodes all that an emission needs, and asks the filters and schemas of the subscribers that this process knows.
 * @throws InvalidOptionError, InputValidationError, SerializationError, PayloadTooLargeError, CodecError
 */
export async function prepareEvent(
  ref: EventRef,
  given: unknown,
  options: EmitOptions,
  host: Omit<CreationHost, 'interceptors'>,
): Promise<NewEvent> {
  const { directory, maxPayloadBytes, sealer } = host;
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
    subscribers.map(async (target) => ({ target, ...(await judgeEvent(target, event, sealer)) })),
  );
  return { id, nonce: eventId === undefined ? '' : newId(), name, ts, correlationKey, data, headers: '', verdicts };
}
