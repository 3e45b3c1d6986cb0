import { describe, expect, it } from '@jest/globals';
import type { StandardSchemaV1 } from '../../../lib/engine/core/api/values.types.js';
import type { WorkflowOptions } from '../../../lib/engine/core/api/workflow.types.js';
import { InvalidOptionError } from '../../../lib/engine/core/errors/index.js';
import { resolveWorkflowOptions } from '../../../lib/engine/core/workflows/resolve-workflow.js';

const schema: StandardSchemaV1 = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };

describe('resolveWorkflowOptions()', () => {
  it('fills in the defaults and freezes the result', () => {
    const resolved = resolveWorkflowOptions('order', {});
    expect(resolved).toEqual({
      name: 'order',
      queue: 'default',
      retry: expect.objectContaining({ maxAttempts: 3, explicitMaxAttempts: false }),
      maxAttempts: 3,
      timeoutMs: undefined,
      onFailureTimeoutMs: 600_000,
      determinism: { mode: 'block', graceMs: 5_000 },
      priority: 0,
      version: undefined,
      current: false,
      tags: {},
      input: undefined,
      events: [],
      schedules: [],
    });
    expect(Object.isFrozen(resolved)).toBe(true);
    expect(Object.isFrozen(resolved.tags)).toBe(true);
  });

  it('keeps what is given', () => {
    const options = {
      queue: 'mail',
      maxAttempts: 5,
      retries: { maxAttempts: 2 },
      timeout: '1h',
      onFailureTimeout: '2h',
      determinism: 'warn' as const,
      determinismGrace: '1m',
      priority: 9,
      version: '2',
      current: true,
      tags: { team: 'a' },
      input: schema,
    };
    expect(resolveWorkflowOptions('order', options)).toMatchObject({
      queue: 'mail',
      maxAttempts: 2,
      timeoutMs: 3_600_000,
      onFailureTimeoutMs: 7_200_000,
      determinism: { mode: 'warn', graceMs: 60_000 },
      priority: 9,
      version: '2',
      current: true,
      tags: { team: 'a' },
    });
    expect(resolveWorkflowOptions('order', options).input).toBe(schema);
  });

  it('accepts a schema that is a function', () => {
    const callable = Object.assign(() => undefined, schema) as unknown as StandardSchemaV1;
    expect(resolveWorkflowOptions('order', { input: callable }).input).toBe(callable);
  });

  it.each<[string, unknown, string, string]>([
    [
      'an unknown option',
      { timout: 5 },
      'timout',
      "Unsupported option 'timout' of workflow \"order\". Did you mean 'timeout'? Supported options are: queue, maxAttempts, retries, timeout, onFailureTimeout, determinism, determinismGrace, maxConcurrency, mutex, throttle, rateLimit, debounce, priority, version, current, errors, tags, input, event, cron",
    ],
    ['a timeout of nothing', { timeout: 0 }, 'timeout', 'Expected `timeout` to be longer than 0 ms; got 0 (workflow "order")'],
    ['a priority', { priority: 10 }, 'priority', 'Expected `priority` to be an integer from 0 to 9; got 10 (workflow "order")'],
    [
      'an empty queue',
      { queue: '' },
      'queue',
      'Expected the queue name to be 1 to 128 bytes of text without control characters; got \'\' (workflow "order")',
    ],
    [
      'attempts',
      { maxAttempts: 0 },
      'maxAttempts',
      'Expected `maxAttempts` to be an integer of at least 1; got 0 (workflow "order")',
    ],
    [
      'a version',
      { version: 2 },
      'version',
      'Expected `version` to be 1 to 128 bytes of text without control characters; got 2 (workflow "order")',
    ],
    ['tags', { tags: [] }, 'tags', 'Expected `tags` to be an object of strings; got an array (workflow "order")'],
    [
      'a DTO class',
      { input: class OrderDto {} },
      'input',
      'Expected `input` to be a Standard Schema (zod, valibot, arktype); got a class. DTO classes need the Nest module: put them on a class with @Workflow() (workflow "order")',
    ],
    [
      'a schema of another kind',
      { input: { type: 'object' } },
      'input',
      'Expected `input` to be a Standard Schema (zod, valibot, arktype); got an object (workflow "order")',
    ],
  ])('refuses %s', (_what, options, option, message) => {
    const refused = () => resolveWorkflowOptions('order', options as WorkflowOptions);
    expect(refused).toThrow(InvalidOptionError);
    expect(refused).toThrow(expect.objectContaining({ option, message }));
  });

  it('refuses a name', () => {
    expect(() => resolveWorkflowOptions('', {})).toThrow(
      "Expected the workflow name to be 1 to 128 bytes of text without control characters; got ''",
    );
  });

  it('keeps subscriptions, wildcards included', () => {
    const filter = () => true;
    const { events } = resolveWorkflowOptions('order', { event: [{ name: 'order.*', if: filter }, { name: 'audit.**' }] });
    expect(events).toEqual([{ name: 'order.*', if: filter }, { name: 'audit.**' }]);
    expect(Object.isFrozen(events)).toBe(true);
  });

  it.each([
    [[{ name: 'order.cre*' }], /whole segments/],
    [[{ name: '**.created' }], /whole segments/],
    [[{ name: '' }], /event name/],
    [[{ name: 'a', if: 'b' }], /`if` of event "a" to be a function/],
    [[{ name: 'a', filter: () => true }], /Unsupported option 'filter'/],
    [{ name: 'a' }, /list of triggers/],
  ])('refuses subscriptions %j', (event, message) => {
    expect(() => resolveWorkflowOptions('order', { event: event as never })).toThrow(
      expect.objectContaining({ name: 'InvalidOptionError', message: expect.stringMatching(message) }),
    );
  });
});
