import type { StandardIssue, StandardSchemaV1 } from '../api/values.types.js';
import { type InputIssue, InputValidationError } from '../errors/payload.errors.js';

/**
 * Runs an input through a workflow's schema.
 *
 * @returns what the schema made of the input: defaults filled in, values transformed
 * @throws InputValidationError with every issue the schema found, or whatever the schema itself throws
 */
export async function validateInput(schema: StandardSchemaV1, value: unknown, workflow: string): Promise<unknown> {
  return validate(schema, value, { workflow });
}

/** As {@link validateInput}, for the data of an event. @throws InputValidationError */
export async function validateEventData(schema: StandardSchemaV1, value: unknown, event: string): Promise<unknown> {
  return validate(schema, value, { event });
}

/** On a schema: makes an instance of its class out of stored JSON, without a look at the values. */
export const REVIVE: unique symbol = Symbol.for('nestjs-redflow:revive');

/** A schema whose values are instances. */
export interface RevivingSchema extends StandardSchemaV1 {
  readonly [REVIVE]: (json: unknown) => unknown;
}

/** Stored JSON in the form in which a schema hands values out, neither transformed nor checked. */
export function reviveInput(schema: StandardSchemaV1 | undefined, json: unknown): unknown {
  return schema && REVIVE in schema ? (schema as RevivingSchema)[REVIVE](json) : json;
}

async function validate(
  schema: StandardSchemaV1,
  value: unknown,
  of: { workflow: string } | { event: string },
): Promise<unknown> {
  const result = await schema['~standard'].validate(value);
  if (result.issues === undefined) return result.value;
  throw new InputValidationError({ ...of, issues: result.issues.map(toInputIssue) });
}

function toInputIssue({ message, path = [] }: StandardIssue): InputIssue {
  return { path: path.map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.'), message };
}
