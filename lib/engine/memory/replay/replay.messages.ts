import type { RunRecord, StepKind, StoredError } from '../../core/api/run.types.js';
import type { ReplayDeparture } from './replay.types.js';

// What replayRun() says of a handler that departs. Each names the step, and what is recorded of it.

const quoted = (steps: readonly string[]): string => steps.map((step) => `"${step}"`).join(', ');

export function newStep(step: string, insteadOf: readonly string[]): ReplayDeparture {
  const blocks = insteadOf.length > 0;
  const message = blocks
    ? `The handler asks for step "${step}", which the run has not recorded, and not for ${quoted(insteadOf)}, which it has.`
    : `The handler asks for step "${step}" behind all that the run has recorded before it ended.`;
  return { kind: 'new', step, ...(blocks && { insteadOf }), blocks, message };
}

/** @param overtakenBy a later step that the handler asks for in its place */
export function missingStep(step: string, overtakenBy: string | undefined): ReplayDeparture {
  const instead = overtakenBy === undefined ? '' : ` It asks for "${overtakenBy}" next, which came later.`;
  const message = `The handler does not ask for step "${step}", which the run has recorded.${instead}`;
  return { kind: 'missing', step, blocks: overtakenBy !== undefined, message };
}

export function otherOrder(step: string, overtakenBy: string): ReplayDeparture {
  const message = `The handler asks for step "${step}" behind "${overtakenBy}", which came later in the run.`;
  return { kind: 'order', step, blocks: true, message };
}

export function otherKind(step: string, recorded: StepKind, asked: StepKind): ReplayDeparture {
  const message = `Step "${step}" is recorded as ${recorded}, and the handler asks for it as ${asked}.`;
  return { kind: 'kind', step, blocks: true, message };
}

export function otherArguments(step: string): ReplayDeparture {
  const message = `The handler calls step "${step}" with other arguments than the run did.`;
  return { kind: 'arguments', step, blocks: true, message };
}

export function otherOutcome(run: RunRecord, now: string): ReplayDeparture {
  return { kind: 'outcome', blocks: false, message: `The run ${endOf(run)}, and the handler ${now}.` };
}

function endOf({ status, error }: RunRecord): string {
  if (status === 'failed' && error) return `failed with ${nameOf(error)}`;
  return status === 'succeeded' ? 'succeeded' : `is ${status}`;
}

export function nameOf({ name, message }: Pick<StoredError, 'name' | 'message'>): string {
  return `${name}: ${message}`;
}
