import { decodePayload } from '../core/payload.js';
import type { ContextCarrier, Json } from '../core/values.types.js';
import type { RunData } from '../redis/stored-step.js';

/** Calls `next` in the context in which the run was created, if that was kept and this worker knows how to restore it. */
export function inCarriedContext<T>({ context }: { readonly context?: ContextCarrier }, data: RunData, next: () => T): T {
  return context && data.context !== undefined ? context.restore(decodePayload(data.context) as Json, next) : next();
}
