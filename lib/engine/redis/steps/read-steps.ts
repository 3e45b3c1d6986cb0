import type { Op } from '../script/op.js';
import { parseStep, type StoredStep, sealedInStep } from './stored-step.js';

/** Answers one record per name, undefined for a step that is not stored. */
export function readSteps(runId: string, names: readonly string[]): Op<Array<StoredStep | undefined>> {
  return {
    name: 'read_steps',
    key: runId,
    args: [runId, ...names],
    sealed: (reply) => names.flatMap((name, index) => sealedInStep(reply as Array<string | null>, index, name, runId)),
    parse: (reply) => (reply as Array<string | null>).map((text) => (text ? parseStep(text) : undefined)),
  };
}
