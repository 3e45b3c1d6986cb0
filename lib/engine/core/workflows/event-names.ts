import type { EventDefinition, EventRef } from '../api/event.types.js';
import type { StandardSchemaV1 } from '../api/values.types.js';
import { rejectUnknownKeys } from '../checks/checks.js';
import { describeValue } from '../checks/describe-value.js';
import { checkName } from '../checks/text-checks.js';
import { InvalidOptionError } from '../errors/option.errors.js';

/**
 * Defines a typed event, accepted wherever the name of an event is.
 *
 * @param options `schema`: any Standard Schema; data is checked where the event is emitted, and what the schema makes of it is stored
 * @throws InvalidOptionError
 * @example
 * const orderCreated = defineEvent<{ orderId: string }>('order.created');
 * await client.emitEvent(orderCreated, { orderId: 'ord_1' });
 */
export function defineEvent<T>(
  name: string,
  options: { schema?: StandardSchemaV1<unknown, T> | undefined } = {},
): EventDefinition<T> {
  checkEventName(name);
  rejectUnknownKeys(options, ['schema'], `event "${name}"`);
  const { schema } = options;
  if (schema !== undefined && typeof schema?.['~standard']?.validate !== 'function') {
    throw new InvalidOptionError(
      'schema',
      `Expected \`schema\` of event "${name}" to be a Standard Schema; got ${describeValue(schema)}`,
    );
  }
  return Object.freeze(schema ? { name, schema } : { name });
}

/** Name and schema of whatever stands for an event. @throws InvalidOptionError */
export function resolveEvent<T>(ref: EventRef<T>): EventDefinition<T> {
  if (typeof ref === 'string') return { name: checkEventName(ref) };
  if (typeof ref === 'object' && ref !== null) return { name: checkEventName(ref.name), schema: ref.schema };
  throw new InvalidOptionError('event', `Expected \`event\` to be a name or a definition; got ${describeValue(ref)}`);
}

/** @throws InvalidOptionError for what is no name, and for wildcards, which only subscribers use */
export function checkEventName(value: unknown): string {
  const name = checkName(value, 'event');
  if (name.includes('*')) {
    throw new InvalidOptionError(
      'event',
      `Expected \`event\` to be one event; "*" stands for several, in subscriptions only; got '${name}'`,
    );
  }
  return name;
}

/** @throws InvalidOptionError unless it is a name whose wildcards are whole segments, `**` the last one */
export function checkEventPattern(value: unknown): string {
  const pattern = checkName(value, 'event');
  const segments = pattern.split('.');
  const isWrong = (segment: string, index: number): boolean =>
    segment.includes('*') && segment !== '*' && !(segment === '**' && index === segments.length - 1);
  if (!segments.some(isWrong)) return pattern;
  throw new InvalidOptionError(
    'event',
    `Expected wildcards in \`event\` to be whole segments ('order.*') or a last '**' ('audit.**'); got '${pattern}'`,
  );
}

/** Whether a subscription's pattern matches an event: `*` is one segment, a last `**` any number. As `pattern_matches` in Lua. */
export function patternMatches(pattern: string, name: string): boolean {
  if (!pattern.includes('*')) return pattern === name;
  const wanted = pattern.split('.');
  const given = name.split('.');
  const open = wanted.at(-1) === '**';
  if (open) wanted.pop();
  if (open ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((segment, index) => segment === '*' || segment === given[index]);
}
