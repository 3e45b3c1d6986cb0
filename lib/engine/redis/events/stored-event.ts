import type { EventRecord } from '../../core/api/client.types.js';
import type { ReceivedEvent } from '../../core/api/event.types.js';
import type { StoredError } from '../../core/api/run.types.js';
import { decodePayload } from '../../core/payload/payload.js';
import { type SealedText, sealedText } from '../../core/payload/sealer.js';

type Envelope = Omit<ReceivedEvent, 'data'>;

/** Reads `<bytes>:<text><rest>`: the text and the rest. */
export function splitSized(stored: string): [string, string] {
  const bytes = Buffer.from(stored);
  const colon = bytes.indexOf(':');
  const end = colon + 1 + Number(bytes.subarray(0, colon));
  return [bytes.subarray(colon + 1, end).toString(), bytes.subarray(end).toString()];
}

/** An event as the scripts hand it to a run: `<bytes of the envelope>:<envelope><data>`. */
export function parseReceivedEvent(stored: string): ReceivedEvent {
  const [envelope, data] = splitSized(stored);
  return receivedEvent(envelope, data);
}

export function receivedEvent(envelope: string, data: string): ReceivedEvent {
  const { id, name, ts, correlationKey } = JSON.parse(envelope) as Envelope;
  return { id, name, ts, data: decodePayload(data), ...(correlationKey !== undefined && { correlationKey }) };
}

const FANOUT_STATUSES: Readonly<Record<string, EventRecord['fanoutStatus']>> = {
  p: 'pending',
  c: 'complete',
  x: 'partial',
  f: 'failed',
  n: 'no_subscribers',
};

const DELIVERY_STATUSES: Readonly<Record<string, EventRecord['deliveries'][number]['status']>> = {
  d: 'delivered',
  s: 'skipped',
  f: 'failed',
};

export type EventReply = [id: string, fields: string[], deliveries: string[], resumed: string[]];

export function sealedInEvent([id, fields, deliveries]: EventReply): SealedText[] {
  const at = fields.findIndex((name, index) => index % 2 === 0 && name === 'd') + 1;
  const data = at > 0 ? sealedText(fields, at, `data of event "${id}"`) : [];
  const errors = deliveries.flatMap((text, index) =>
    index % 2 === 0
      ? []
      : sealedText(deliveries, index, `error of event "${id}" at "${deliveries[index - 1]}"`, endOfRunId(text) + 1),
  );
  return [...data, ...errors];
}

/** Reads what read_event and list_events answer. */
export function toEventRecord([id, flatFields, flatDeliveries, resumedRunIds]: EventReply): EventRecord {
  const fields = new Map(pairsOf(flatFields));
  const key = fields.get('k');
  return {
    id,
    name: fields.get('n') as string,
    ts: Number(fields.get('t')),
    data: decodePayload(fields.get('d') ?? ''),
    ...(key !== undefined && { correlationKey: key }),
    subscriberCount: Number(fields.get('sc')),
    deliveryCount: Number(fields.get('dc') ?? 0),
    failedDeliveryCount: Number(fields.get('fc') ?? 0),
    fanoutStatus: FANOUT_STATUSES[fields.get('fs') as string],
    resumedRunCount: Number(fields.get('rc') ?? 0),
    resumedRunIds,
    deliveries: pairsOf(flatDeliveries)
      .map(([workflow, text]) => toDelivery(workflow, text))
      .sort((a, b) => (a.workflow < b.workflow ? -1 : 1)),
  };
}

/** `<d, s or f>:<run id>;<error>`. What the emitter skipped or failed has no run; what a worker did keeps its own. */
function toDelivery(workflow: string, text: string): EventRecord['deliveries'][number] {
  const end = endOfRunId(text);
  const runId = text.slice(2, end);
  const error = text.slice(end + 1);
  return {
    workflow,
    status: DELIVERY_STATUSES[text[0]],
    ...(runId !== '' && { runId }),
    ...(error !== '' && { error: decodePayload(error) as StoredError }),
  };
}

/** The id of a debounced run may be chosen, with any text; one that is delivered has no error behind it. */
function endOfRunId(delivery: string): number {
  return delivery.startsWith('d') ? delivery.lastIndexOf(';') : delivery.indexOf(';');
}

function pairsOf(flat: readonly string[]): Array<[string, string]> {
  const pairs: Array<[string, string]> = [];
  for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i], flat[i + 1]]);
  return pairs;
}
