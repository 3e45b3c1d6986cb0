import type { Stats } from '../../core/api/client.types.js';
import type { RunStatus } from '../../core/api/run.types.js';
import { RUN_STATUSES, statusOf } from '../runs/run-status.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

type UnservedReply = [workflow: string, queue: string, version: string, runs: number];
type WorkerReply = [string, string, string | null, string, string, string, string | null, string | null];

const READ_STATS = defineOperation({
  name: 'read_stats',
  args: ['...known'],
  reply: (reply): Stats => {
    const [now, counts, queues, workers, unserved, blocked] = reply as [
      number,
      Array<[string, number]>,
      Array<[string, number, number, string, number]>,
      WorkerReply[],
      UnservedReply[],
      Array<[string, number]>,
    ];
    const living = workers.map(toWorker);
    return {
      runs: countsByStatus(counts),
      queues: queues.map(([name, depth, suspects, since, paused]) => ({
        name,
        depth: depth + suspects,
        oldestAgeMs: since === '' ? 0 : Math.max(0, now - Number(since)),
        paused: paused === 1,
        workers: living.filter(({ queues: served }) => served.includes(name)).length,
      })),
      workers: living,
      unserved: unserved.map(toUnserved),
      blocked: blocked.map(([workflow, runs]) => ({ workflow, runs })),
      stalledRuns: workers.flatMap(([, , , , , , stalled]) => JSON.parse(stalled ?? '[]') as string[]),
    };
  },
});

/** @param known where the caller expects runs: shown as unserved also without any */
export function readStats(known: ReadonlyArray<{ workflow: string; queue: string }> = []): Op<Stats> {
  return READ_STATS({ known: known.flatMap(({ workflow, queue }) => [workflow, queue]) });
}

function toUnserved([workflow, queue, version, runs]: UnservedReply): Stats['unserved'][number] {
  return version === '' ? { workflow, queue, runs } : { workflow, queue, version, runs };
}

function toWorker([id, app, served, concurrency, running, seen, , deployment]: WorkerReply): Stats['workers'][number] {
  return {
    id,
    app,
    deployment: deployment ?? '',
    queues: JSON.parse(served ?? '[]'),
    concurrency: Number(concurrency),
    running: Number(running),
    lastSeenAt: Number(seen),
  };
}

function countsByStatus(counts: ReadonlyArray<[string, number]>): Stats['runs'] {
  const runs = Object.fromEntries(RUN_STATUSES.map((status) => [status, 0])) as Record<RunStatus, number>;
  for (const [code, count] of counts) runs[statusOf(code)] += count;
  return runs;
}
