import type { Duration } from '../api/values.types.js';
import { describeValue } from '../checks/describe-value.js';
import { parsePositiveDuration } from '../checks/duration.js';
import { InvalidOptionError } from '../errors/option.errors.js';

/** What becomes of a run whose code does not come to what is stored of it. */
export type DeterminismMode = 'block' | 'warn' | 'off';

/** How a workflow's replays are watched. */
export interface Determinism {
  readonly mode: DeterminismMode;
  /** How long a new step is held while a stored one is missing. */
  readonly graceMs: number;
}

export const NOT_WATCHED: Determinism = { mode: 'off', graceMs: 0 };

const MODES: readonly unknown[] = ['block', 'warn', 'off'] satisfies DeterminismMode[];
const DEFAULT_GRACE = '5s';

/** @throws InvalidOptionError */
export function resolveDeterminism(mode: DeterminismMode = 'block', grace: Duration = DEFAULT_GRACE): Determinism {
  if (!MODES.includes(mode)) {
    throw new InvalidOptionError(
      'determinism',
      `Expected \`determinism\` to be 'block', 'warn' or 'off'; got ${describeValue(mode)}`,
    );
  }
  return Object.freeze({ mode, graceMs: parsePositiveDuration(grace, 'determinismGrace') });
}
