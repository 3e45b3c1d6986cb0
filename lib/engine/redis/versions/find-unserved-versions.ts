import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

export interface UnservedVersion {
  readonly workflow: string;
  readonly version: string;
  /** Open ones that are pinned to it, and failed ones whose failure hook is. */
  readonly runs: number;
}

const FIND_UNSERVED_VERSIONS = defineOperation({
  name: 'find_unserved_versions',
  args: ['...workflows'],
  reply: (reply): UnservedVersion[] =>
    (reply as Array<[string, string, number]>).map(([workflow, version, runs]) => ({ workflow, version, runs })),
});

export function findUnservedVersions(workflows: readonly string[]): Op<UnservedVersion[]> {
  return FIND_UNSERVED_VERSIONS({ workflows });
}
