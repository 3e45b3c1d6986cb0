import { describe, expect, it } from '@jest/globals';
import { admitEvent } from '../../../lib/engine/creation/admit-event.js';
import type { EventTrigger, StandardSchemaV1 } from '../../../lib/engine/index.js';

const event = { id: 'e', name: 'order.created', ts: 1, data: { cents: 5 } };

const target = (events: EventTrigger[], input?: StandardSchemaV1) => ({
  workflow: 'w',
  queue: 'default',
  priority: 0,
  tags: {},
  events,
  input,
});

const refusing: StandardSchemaV1 = {
  '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'too cheap', path: ['cents'] }] }) },
};

const throwing = () => {
  throw new TypeError('no such field');
};

describe('admitEvent()', () => {
  it.each<[string, EventTrigger[], string]>([
    ['no filter', [{ name: 'order.created' }], 'd'],
    ['a filter that lets it pass', [{ name: 'order.created', if: ({ data }) => data.cents === 5 }], 'd'],
    ['a filter that does not', [{ name: 'order.created', if: () => false }], 's'],
    [
      'one of two filters',
      [
        { name: 'order.*', if: () => false },
        { name: '**', if: () => true },
      ],
      'd',
    ],
    ['a filter of another event', [{ name: 'order.created', if: () => false }, { name: 'order.paid' }], 's'],
    ['a filter that throws', [{ name: 'order.created', if: throwing }], 'f'],
    ['one that throws and one that passes', [{ name: 'order.created', if: throwing }, { name: 'order.*' }], 'd'],
    [
      'one that throws and one that does not pass',
      [
        { name: 'order.created', if: throwing },
        { name: 'order.*', if: () => false },
      ],
      'f',
    ],
    ['no subscription to it', [{ name: 'order.paid', if: () => false }], 'd'],
    ['a filter that answers a promise', [{ name: 'order.created', if: (async () => false) as never }], 'f'],
  ])('%s', async (_what, events, status) => {
    expect(await admitEvent(target(events), event)).toMatchObject({ status });
  });

  it('fails a delivery whose data is no valid input, with the issues', async () => {
    const { status, error } = await admitEvent(target([{ name: 'order.created' }], refusing), event);
    expect(status).toBe('f');
    expect(JSON.parse(error)).toMatchObject({ name: 'InputValidationError', issues: [{ path: 'cents', message: 'too cheap' }] });
  });

  it('keeps the error of a filter', async () => {
    const { error } = await admitEvent(target([{ name: 'order.created', if: throwing }]), event);
    expect(JSON.parse(error)).toMatchObject({ name: 'TypeError', message: 'no such field' });
  });
});
