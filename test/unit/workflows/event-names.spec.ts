import { describe, expect, it } from '@jest/globals';
import { defineEvent, patternMatches, resolveEvent } from '../../../lib/engine/core/workflows/event-names.js';

const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const;

describe('patternMatches()', () => {
  it.each([
    ['order.created', 'order.created', true],
    ['order.created', 'order.Created', false],
    ['order.*', 'order.created', true],
    ['order.*', 'order', false],
    ['order.*', 'order.created.late', false],
    ['order.**', 'order', true],
    ['order.**', 'order.created.late', true],
    ['order.**', 'orders.created', false],
    ['*.created', 'order.created', true],
    ['*', '', true],
    ['**', 'a.b', true],
    ['a.*.c', 'a..c', true],
  ])('%s on %s: %s', (pattern, name, matches) => {
    expect(patternMatches(pattern, name)).toBe(matches);
  });
});

describe('defineEvent()', () => {
  it('carries name and schema, frozen', () => {
    const event = defineEvent('order.created', { schema });
    expect(event).toEqual({ name: 'order.created', schema });
    expect(Object.isFrozen(event)).toBe(true);
    expect(resolveEvent(event)).toEqual(event);
    expect(resolveEvent('order.created')).toEqual({ name: 'order.created' });
  });

  it.each([
    ['', {}, /event name/],
    ['order.*', {}, /subscriptions only/],
    ['a\u0000', {}, /event name/],
    ['a', { schema: {} }, /Standard Schema/],
  ])('refuses %j %j', (name, options, message) => {
    expect(() => defineEvent(name, options as never)).toThrow(
      expect.objectContaining({ name: 'InvalidOptionError', message: expect.stringMatching(message) }),
    );
  });

  it.each([[5], [null], [{}], [{ name: 'a.*' }]])('is expected wherever an event is: %j is none', (ref) => {
    expect(() => resolveEvent(ref as never)).toThrow(expect.objectContaining({ name: 'InvalidOptionError' }));
  });
});
