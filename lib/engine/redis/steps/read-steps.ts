import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';
import { parseStep, type StoredStep, sealedInStep } from './stored-step.js';

export const READ_STEPS = defineOperation({
  name: 'read_steps',
  key: 'id',
  args: ['id', '...names'],
  sealed: (reply, { id, names }) =>
    names.flatMap((name, index) => sealedInStep(reply as Array<string | null>, index, name as string, id as string)),
  reply: (reply) => (reply as Array<string | null>).map((text) => (text ? parseStep(text) : undefined)),
});

/** Answers one record per name, undefined for a step that is not stored. */
export function readSteps(runId: string, names: readonly string[]): Op<Array<StoredStep | undefined>> {
  return READ_STEPS({ id: runId, names });
}
