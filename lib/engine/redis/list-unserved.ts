import type { Op } from './op.js';

export interface UnservedWorkflow {
  readonly workflow: string;
  readonly queue: string;
}

/** Known workflows that no living worker serves, at most `limit`. */
export function listUnserved(limit: number): Op<UnservedWorkflow[]> {
  return { name: 'list_unserved', args: [limit], parse: (reply) => (reply as Array<[string, string]>).map(toUnserved) };
}

export function toUnserved([workflow, queue]: [string, string]): UnservedWorkflow {
  return { workflow, queue };
}
