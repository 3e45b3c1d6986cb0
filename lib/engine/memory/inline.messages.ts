import { closeMatches } from '../core/checks/close-matches.js';
import { describeValue } from '../core/checks/describe-value.js';

// What runInline() says about a call that cannot work. Each names the step, and what to give instead.

export function anyWithoutEnd(step: string): string {
  return `Step "${step}" waits for events only, which nobody emits here: give \`stepOverrides\` its outcome, { winner, value }`;
}

export function waitsForItself(runId: string): string {
  return `Run "${runId}" waits for ever: its children wait for each other, by their idempotency keys`;
}

export function unknownChild(step: string, workflow: string): string {
  return `Step "${step}" starts workflow "${workflow}", which is not known here: give \`children\` the workflow, or \`stepOverrides\` the outcome of the step`;
}

export function classWithoutInstance(step: string, className: string): string {
  return `Step "${step}" starts class ${className}, whose constructor takes parameters: give \`children\` an instance of it, or \`stepOverrides\` the outcome of the step`;
}

export function notAnEvent(step: string, given: unknown): string {
  return `Expected the override of step "${step}" to be an event with its \`data\`, or null; got ${describeValue(given)}`;
}

export function notAWinner(step: string, branches: readonly string[], given: unknown): string {
  return `Expected the override of step "${step}" to be { winner, value } with one of ${branches.join(', ')}; got ${describeValue(given)}`;
}

export function uncalledOverride(name: string, called: readonly string[]): string {
  const [match] = closeMatches(name, called);
  const hint = match === undefined ? '' : ` Did you mean "${match}"?`;
  return `The run did not call step "${name}".${hint} It called: ${called.join(', ') || 'none'}`;
}
