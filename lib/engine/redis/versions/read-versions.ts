import type { WorkflowVersions } from '../../core/api/client.types.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

type Reply = [current: string, total: number, workers: number, open: string[], served: Array<string | number>];

const READ_VERSIONS = defineOperation({
  name: 'read_versions',
  args: ['workflow', '...declared'],
  reply: (reply): WorkflowVersions => {
    const [current, total, workers, open, served] = reply as Reply;
    const runs = new Map(pairsOf(open).map(([kind, count]) => [kind, Number(count)]));
    const versions = pairsOf(served)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([version, count]) => ({
        version,
        openRuns: runs.get(`v${version}`) ?? 0,
        pendingHooks: runs.get(`h${version}`) ?? 0,
        workers: Number(count),
      }));
    const unpinned = Math.max(0, total - versions.reduce((sum, { openRuns }) => sum + openRuns, 0));
    return {
      ...(current !== '' && { current }),
      versions,
      unpinned: { openRuns: unpinned, workers },
      patches: patchesOf(runs),
    };
  },
});

/** @param declared versions that are known without having a run */
export function readVersions(workflow: string, declared: readonly string[]): Op<WorkflowVersions> {
  return READ_VERSIONS({ workflow, declared });
}

function patchesOf(runs: ReadonlyMap<string, number>): WorkflowVersions['patches'] {
  const ids = new Set([...runs.keys()].filter((kind) => kind[0] === 'p').map((kind) => kind.slice(2)));
  return [...ids].sort().map((id) => ({ id, patched: runs.get(`p1${id}`) ?? 0, unpatched: runs.get(`p0${id}`) ?? 0 }));
}

function pairsOf(flat: ReadonlyArray<string | number>): Array<[name: string, value: string | number]> {
  const pairs: Array<[string, string | number]> = [];
  for (let i = 0; i < flat.length; i += 2) pairs.push([String(flat[i]), flat[i + 1]]);
  return pairs;
}
