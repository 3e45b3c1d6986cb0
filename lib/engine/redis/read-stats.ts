import type { Stats } from '../core/client.types.js';
import type { Op } from './op.js';

type WorkerReply = [string, string, string | null, string, string, string, string | null];

export function readStats(): Op<Stats> {
  return {
    name: 'read_stats',
    args: [],
    parse: (reply) => {
      const [now, queues, workers] = reply as [number, Array<[string, number, number, string]>, WorkerReply[]];
      return {
        queues: queues.map(([name, depth, suspects, since]) => ({
          name,
          depth: depth + suspects,
          oldestAgeMs: since === '' ? 0 : Math.max(0, now - Number(since)),
        })),
        workers: workers.map(([id, app, served, concurrency, running, seen]) => ({
          id,
          app,
          queues: JSON.parse(served ?? '[]'),
          concurrency: Number(concurrency),
          running: Number(running),
          lastSeenAt: Number(seen),
        })),
        stalledRuns: workers.flatMap(([, , , , , , stalled]) => JSON.parse(stalled ?? '[]') as string[]),
      };
    },
  };
}
