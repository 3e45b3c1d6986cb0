import { describe, expect, it } from '@jest/globals';
import { InvalidOptionError, type RunSearchQuery } from '../../../lib/engine/index.js';
import { rejection, startEngine, workflow } from '../../support/engine.js';

const flow = workflow('flow', () => 1);

describe('client.searchRuns()', () => {
  it('pages through what matches, newest first where ids are generated', async () => {
    const { client } = await startEngine({ worker: false });
    const handles = await client.runMany(flow, [{ input: 1 }, { input: 2 }, { input: 3, tags: { customer: 'flo' } }]);
    const ids = handles.map(({ id }) => id).reverse();
    const first = await client.searchRuns({ text: ids[0].slice(0, 8), limit: 2 });
    expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const second = await client.searchRuns({ text: ids[0].slice(0, 8), limit: 2, cursor: first.cursor });
    expect(second.items).toMatchObject([{ id: ids[2], input: 1, workflow: 'flow' }]);
    expect(second.cursor).toBeUndefined();
    const byText = await client.searchRuns({ text: 'flo', sort: 'asc' });
    expect(byText.items.map(({ input }) => input)).toEqual([3, 1, 2]);
    expect((await client.searchRuns({ text: 'Flo' })).items).toEqual([]);
  });

  it('goes on behind every kind of match, text of any language included', async () => {
    const { client } = await startEngine({ worker: false });
    await client.runMany(flow, [
      { input: 1, runId: 'ünï-1' },
      { input: 2, idempotencyKey: 'ünï\0☃' },
      { input: 3, tags: { a: 'ünï{}*', b: 'ünï' } },
    ]);
    const found: unknown[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.searchRuns({ text: 'ünï', limit: 1, cursor });
      found.push(...page.items.map(({ input }) => input));
      ({ cursor } = page);
    } while (cursor !== undefined);
    expect(found).toEqual([1, 2, 3]);
  });

  it.each<[string, object | undefined]>([
    ['text', undefined],
    ['text', {}],
    ['text', { text: '' }],
    ['text', { text: 5 }],
    ['limit', { text: 'a', limit: 0 }],
    ['sort', { text: 'a', sort: 'up' }],
    ['status', { text: 'a', status: 'done' }],
    ['tag', { text: 'a', tag: { a: 1 } }],
    ['txt', { txt: 'a' }],
    ['cursor', { text: 'a', cursor: '' }],
    ['cursor', { text: 'a', cursor: '17' }],
    ['cursor', { text: 'a', cursor: Buffer.from('xa').toString('base64url') }],
    ['cursor', { text: 'a', cursor: Buffer.from('ibc').toString('base64url') }],
    ['cursor', { text: 'a', cursor: Buffer.from('wab').toString('base64url') }],
    ['cursor', { text: 'a', cursor: `${Buffer.from('iab').toString('base64url')}=` }],
    ['cursor', { text: 'a', cursor: 5 }],
  ])('refuses with the option %s: %j', async (option, query) => {
    const { client } = await startEngine({ worker: false });
    const error = await rejection(client.searchRuns(query as RunSearchQuery));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option });
  });
});
