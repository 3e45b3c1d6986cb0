import { asStatus, type Op, type WriteStatus } from '../script/op.js';
import { askedText } from '../steps/stored-step.js';

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
  return { name: 'adopt_outcome', key: runId, args: [runId, fence, step, order, askedText(asked)], parse: asStatus };
}
