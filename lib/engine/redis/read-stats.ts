import type { Stats } from '../core/client.types.js';
import type { Op } from './op.js';

export function readStats(): Op<Stats> {
  return {
    name: 'read_stats',
    args: [],
    parse: (reply) => {
      const [now, queues, workers] = reply as [number, Array<[string, number, number, string]>, Array<[string, string[]]>];
      const records = workers.map(([id, flat]) => ({ id, fields: toObject(flat) }));
      return {
        queues: queues.map(([name, depth, suspects, since]) => ({
          name,
          depth: depth + suspects,
          oldestAgeMs: since === '' ? 0 : Math.max(0, now - Number(since)),
        })),
        workers: records.map(({ id, fields }) => ({
          id,
          app: fields.app,
          queues: JSON.parse(fields.queues ?? '[]'),
          concurrency: Number(fields.concurrency),
          running: Number(fields.running),
          lastSeenAt: Number(fields.seen),
        })),
        stalledRuns: records.flatMap(({ fields }) => JSON.parse(fields.stalled ?? '[]') as string[]),
      };
    },
  };
}

function toObject(flat: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let i = 0; i < flat.length; i += 2) fields[flat[i]] = flat[i + 1];
  return fields;
}
