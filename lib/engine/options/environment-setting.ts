import { withOptionOwner } from '../core/checks/option-context.js';

/** An option, else its environment variable; a message about the latter names it. */
export function environmentSetting(given: unknown, variable: string, check: (value: unknown) => string): string | undefined {
  if (given !== undefined) return check(given);
  const text = process.env[variable];
  return text === undefined ? undefined : withOptionOwner(`environment variable ${variable}`, () => check(text));
}
