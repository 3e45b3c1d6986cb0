import type { Op } from '../script/op.js';

export interface UnservedVersion {
  readonly workflow: string;
  readonly version: string;
  /** Open ones that are pinned to it, and failed ones whose failure hook is. */
  readonly runs: number;
}

export function findUnservedVersions(workflows: readonly string[]): Op<UnservedVersion[]> {
  return {
    name: 'find_unserved_versions',
    args: [...workflows],
    parse: (reply) =>
      (reply as Array<[string, string, number]>).map(([workflow, version, runs]) => ({ workflow, version, runs })),
  };
}
