import { encodePayload } from '../core/payload.js';
import type { CreationHost } from './creation-host.js';

/**
 * What the application wants to find around a run again, of the context that this is called in: encoded, through the codec, '' for nothing.
 * @throws SerializationError, PayloadTooLargeError, CodecError and what capturing throws
 */
export function carriedContext({ context, sealer, maxPayloadBytes }: CreationHost): string | Promise<string> {
  if (!context) return '';
  const what = 'carrier that `context.capture` returned';
  return sealer.seal(encodePayload(context.capture(), what, maxPayloadBytes), what);
}
