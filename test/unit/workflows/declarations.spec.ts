import { describe, expect, it } from '@jest/globals';
import { ErrorClasses } from '../../../lib/engine/core/errors/error-classes.js';
import { createRegistry, defineWorkflow, type WorkflowOptions } from '../../../lib/engine/index.js';
import { declarationsOf, digestOf, teamOf } from '../../../lib/engine/worker/duties/declarations.js';
import { ServedWorkflows } from '../../../lib/engine/worker/duties/served-workflows.js';

function digest(...workflows: Array<[string, WorkflowOptions?]>): string {
  const registry = createRegistry();
  for (const [name, options] of workflows) defineWorkflow(name, { ...options, handler: () => undefined, registry });
  return digestOf(declarationsOf(new ServedWorkflows(registry.list(), ErrorClasses.none), 'app'));
}

describe('digestOf()', () => {
  it('is the same for the same declarations, in whatever order they come', () => {
    const a = { tags: { x: '1', y: '2' }, cron: [{ expression: '0 3 * * *' }] };
    const b = { tags: { y: '2', x: '1' }, cron: [{ expression: '0 3 * * *' }] };
    expect(digest(['one', a], ['two'])).toBe(digest(['two'], ['one', b]));
    expect(digest(['one'])).toMatch(/^[0-9a-f]{12}$/);
  });

  it.each<WorkflowOptions>([
    { maxConcurrency: 2 },
    { event: [{ name: 'order.paid' }] },
    { cron: [{ expression: '0 3 * * *' }] },
    { version: '2' },
  ])('tells declarations apart by %p', (options) => {
    expect(digest(['one', options])).not.toBe(digest(['one']));
  });

  it('tells the inputs of schedules apart', () => {
    const withInput = (input: unknown) => digest(['one', { cron: [{ expression: '0 3 * * *', input }] }]);
    expect(withInput({ a: 1 })).not.toBe(withInput({ a: 2 }));
  });
});

describe('teamOf()', () => {
  it('tells deployments and names apart that would join to the same text', () => {
    expect(teamOf('a', ['b', 'c'])).not.toBe(teamOf('a', ['b,c']));
    expect(teamOf('a', ['b'])).not.toBe(teamOf('b', ['a']));
  });
});
