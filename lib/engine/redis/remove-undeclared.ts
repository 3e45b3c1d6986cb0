import type { Op } from './op.js';

/**
 * Removes what a worker's application has registered and no living worker of it declares any more.
 * `AGAIN` means that more than `limit` entries are to be removed.
 */
export function removeUndeclared(workerId: string, limit: number): Op<'OK' | 'AGAIN' | 'LOST'> {
  return { name: 'remove_undeclared', args: [workerId, limit], parse: (reply) => reply as 'OK' | 'AGAIN' | 'LOST' };
}
