import { defineOperation } from '../script/define-operation.js';
import { asStatus, type Op, type WriteStatus } from '../script/op.js';
import { askedText } from '../steps/stored-step.js';

export const ADOPT_OUTCOME = defineOperation({
  name: 'adopt_outcome',
  key: 'id',
  args: ['id', 'fence', 'name', 'order', 'asked'],
  reply: asStatus,
});

/**
 * Gives an outcome that came from outside its place in the order of completion.
 *
 * @param asked see `StoredStep`
 */
export function adoptOutcome(
  runId: string,
  fence: string,
  step: string,
  order: number,
  asked: number | undefined,
): Op<WriteStatus> {
  return ADOPT_OUTCOME({ id: runId, fence, name: step, order, asked: askedText(asked) });
}
