import { describe, expect, it } from '@jest/globals';
import {
  createClient,
  defineEvent,
  defineWorkflow,
  InvalidOptionError,
  type RedflowClient,
  startWorker,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { rejection, startEngine, workflow } from '../../support/engine.js';

const noop = workflow('noop', () => undefined);
// biome-ignore lint/suspicious/noExplicitAny: what types refuse is passed on purpose
type Bad = any;
const BAD: Array<[string, Bad]> = [
  ['null', null],
  ['an array', []],
  ['a number', 5],
  ['a text', 'x'],
];

const CALLS: Record<string, (client: RedflowClient, bad: Bad) => unknown> = {
  run: (client, bad) => client.run(noop, undefined, bad),
  runByName: (client, bad) => client.runByName('noop', undefined, bad),
  emitWorkflow: (client, bad) => client.emitWorkflow('noop', undefined, bad),
  'an item of runMany': (client, bad) => client.runMany(noop, [{ input: undefined }, bad]),
  cancelRun: (client, bad) => client.cancelRun('r1', bad),
  'the filter of cancelRuns': (client, bad) => client.cancelRuns(bad),
  'the options of cancelRuns': (client, bad) => client.cancelRuns({ workflow: 'noop' }, bad),
  listRuns: (client, bad) => client.listRuns(bad),
  searchRuns: (client, bad) => client.searchRuns(bad),
  emitEvent: (client, bad) => client.emitEvent('e', undefined, bad),
  emitEventDetailed: (client, bad) => client.emitEventDetailed('e', undefined, bad),
  listEvents: (client, bad) => client.listEvents(bad),
  cleanupExpiredRunsNow: (client, bad) => client.cleanupExpiredRunsNow(bad),
  cleanupExpiredEventsNow: (client, bad) => client.cleanupExpiredEventsNow(bad),
  resetRuns: (client, bad) => client.resetRuns(bad),
  resetState: (client, bad) => client.resetState(bad),
  'handle.result': (client, bad) => client.getHandle('r1').result(bad),
  'handle.cancel': (client, bad) => client.getHandle('r1').cancel(bad),
  createClient: (_client, bad) => createClient(bad),
  startWorker: (_client, bad) => startWorker(bad),
  defineWorkflow: (_client, bad) => defineWorkflow('null', bad),
  defineEvent: (_client, bad) => defineEvent('null', bad),
};

describe.each(Object.keys(CALLS))('the options of %s', (method) => {
  it.each(BAD)('are refused where they are %s', async (_what, bad) => {
    const engine = await startEngine({ workflows: [noop] });
    const error = await rejection(Promise.resolve().then(() => CALLS[method](engine.client, bad)));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error.message).toMatch(/^Expected /);
    expect((await engine.client.listRuns()).items).toEqual([]);
  });
});

describe('runMany()', () => {
  it.each<[string, Bad]>([
    ['null', null],
    ['undefined', undefined],
    ['an object', {}],
    ['a text', 'x'],
    ['a list with holes', Object.assign(new Array(3), { 0: { input: undefined }, 2: { input: undefined } })],
  ])('refuses %s in place of its items, and writes nothing', async (_what, bad) => {
    const engine = await startEngine({ worker: false });
    expect(await rejection(engine.client.runMany(noop, bad))).toBeInstanceOf(InvalidOptionError);
    expect((await engine.client.listRuns()).items).toEqual([]);
  });
});

const STEPS: Record<string, (ctx: WorkflowContext, bad: Bad) => Promise<unknown>> = {
  run: (ctx, bad) => ctx.step.run('step', () => 1, bad),
  waitForEvent: (ctx, bad) => ctx.step.waitForEvent('step', bad),
  waitForAny: (ctx, bad) => ctx.step.waitForAny('step', bad),
  'a branch of waitForAny': (ctx, bad) => ctx.step.waitForAny('step', { branch: bad }),
  runWorkflow: (ctx, bad) => ctx.step.runWorkflow('step', noop, undefined, bad),
  emitWorkflow: (ctx, bad) => ctx.step.emitWorkflow('step', noop, undefined, bad),
  emitEvent: (ctx, bad) => ctx.step.emitEvent('step', 'e', undefined, bad),
};

describe.each(Object.keys(STEPS))('the options of step.%s', (method) => {
  it.each(BAD)('are refused where they are %s', async (_what, bad) => {
    const flow = workflow('flow', (ctx: WorkflowContext) => STEPS[method](ctx, bad), { maxAttempts: 1 });
    const engine = await startEngine({ workflows: [flow] });
    const error = await engine.failure(await engine.client.run(flow, undefined));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error.message).toMatch(/^Expected /);
  });
});
