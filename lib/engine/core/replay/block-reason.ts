/** Why a run is blocked, as it is stored. */
export interface BlockReason {
  /**
   * `replay`: a new step was asked for while stored ones were not. `arguments`: a step method was called with other arguments. `unwinding`:
   * a step is to be compensated, and the handler did not come to it.
   */
  readonly because: 'replay' | 'arguments' | 'unwinding';
  /** The new step. */
  readonly step?: string;
  /** The stored steps that the handler did not come to, the earliest first. */
  readonly missing: readonly string[];
  /** The deployment whose code it was. */
  readonly deployment?: string;
}

/** What is told of a run that has succeeded without them. */
export function unaskedMessage(missing: readonly string[]): string {
  return (
    `The run succeeded without asking for ${named(missing)}, which it asked for before: its code has changed since, or is not ` +
    'deterministic. Other runs of the workflow may be affected.'
  );
}

const MOST_NAMED = 5;

/** What is known of it in the pass. */
export type Departure = Pick<BlockReason, 'because' | 'step' | 'missing'>;

/** What is told of it. */
export function blockMessage({ because, step, missing, deployment }: BlockReason): string {
  const stored = named(missing);
  const problem = {
    replay: `it asks for the new step "${step}", but not for ${stored}, which it asked for before`,
    arguments: `it calls ${stored} with other arguments than before`,
    unwinding: `${stored} must be compensated, but its handler does not reach them`,
  }[because];
  return `The code of the run has changed, or is not deterministic: ${problem}.${deploymentNamed(deployment)}`;
}

function named(missing: readonly string[]): string {
  const names = missing.slice(0, MOST_NAMED).map((name) => `"${name}"`);
  const more = missing.length > MOST_NAMED ? ` and ${missing.length - MOST_NAMED} more` : '';
  return `${missing.length === 1 ? 'step' : 'steps'} ${names.join(', ')}${more}`;
}

function deploymentNamed(deployment: string | undefined): string {
  return deployment === undefined ? '' : ` This is deployment "${deployment}".`;
}
