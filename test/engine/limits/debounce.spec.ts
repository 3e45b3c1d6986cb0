import { describe, expect, it } from '@jest/globals';
import { InvalidOptionError, type WorkflowContext } from '../../../lib/engine/index.js';
import { rejection, startEngine, workflow } from '../../support/engine.js';
import { lossyProxy } from '../../support/engine-room.js';
import { informedClient, registryOf } from '../../support/informed-client.js';
import { expectNoKeys } from '../../support/namespace.js';

interface Edit {
  page: string;
  text: number;
}

const MINUTE_MS = 60_000;
const index = workflow('index', async (ctx: WorkflowContext<Edit>) => [ctx.input.text, ctx.event?.id ?? null], {
  debounce: { key: ({ page }) => page, period: '1m', timeout: '5m' },
  event: [{ name: 'page.edited' }],
});
const edit = (text: number, page = 'home'): Edit => ({ page, text });

describe('debounce', () => {
  it('runs once for creates that follow each other, with the latest input', async () => {
    const engine = await startEngine({ workflows: [index] });
    const first = await engine.client.run(index, edit(1));
    expect(first.deduplicated).toBe(false);
    const other = await engine.client.run(index, edit(7, 'about'));
    await engine.advance(MINUTE_MS / 2);
    const second = await engine.client.run(index, edit(2));
    expect(second).toMatchObject({ id: first.id, deduplicated: true });
    expect((await first.getState()).availableAt - (await engine.now())).toBeGreaterThan(MINUTE_MS / 2);
    await engine.advance(MINUTE_MS);
    expect(await first.result()).toEqual([2, null]);
    expect(await other.result()).toEqual([7, null]);
    const next = await engine.client.run(index, edit(3));
    expect(next).toMatchObject({ deduplicated: false });
    expect(next.id).not.toBe(first.id);
  });

  it('makes one run of 200 concurrent creates of two clients', async () => {
    const engine = await startEngine({ worker: false });
    const clients = [engine.client, engine.anotherClient()];
    const handles = await Promise.all(Array.from({ length: 200 }, (_, n) => clients[n % 2].run(index, edit(n))));
    expect(new Set(handles.map(({ id }) => id)).size).toBe(1);
    expect(handles.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1);
  });

  it('keeps nobody waiting beyond its timeout', async () => {
    const engine = await startEngine({ worker: false });
    const first = await engine.client.run(index, edit(0));
    for (let i = 1; i <= 5; i++) {
      await engine.advance(50_000);
      expect(await engine.client.run(index, edit(i))).toMatchObject({ id: first.id });
    }
    const { createdAt, availableAt } = await first.getState();
    expect(availableAt).toBe(createdAt + 5 * MINUTE_MS);
    await engine.startWorker({ workflows: [index] });
    await engine.advance(availableAt - (await engine.now()));
    expect(await first.result()).toEqual([5, null]);
  });

  it('begins anew after a cancellation', async () => {
    const engine = await startEngine({ worker: false });
    const first = await engine.client.run(index, edit(1));
    await first.cancel();
    const second = await engine.client.run(index, edit(2));
    expect(second.id).not.toBe(first.id);
    expect(await second.getState()).toMatchObject({ status: 'scheduled', input: edit(2) });
    expect(await first.getState()).toMatchObject({ status: 'canceled', input: edit(1) });
  });

  it.each([
    ['runId', { runId: 'r' }],
    ['runAt', { runAt: '1h' }],
  ])('refuses %s; nothing is written', async (option, options) => {
    const engine = await startEngine({ worker: false });
    const error = await rejection(engine.client.run(index, edit(1), options));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option, message: expect.stringContaining('"index" is debounced') });
    const free = workflow('free', () => undefined, { debounce: { key: () => undefined, period: 1 } });
    expect(await rejection(engine.client.run(free, 1, options))).toMatchObject({ option });
    await expectNoKeys(engine.prefix);
  });

  it('leaves runs alone whose key is undefined', async () => {
    const engine = await startEngine({ worker: false });
    const free = workflow('free', () => undefined, { debounce: { key: () => undefined, period: '1m' } });
    const handles = await engine.client.runMany(free, [{ input: 1 }, { input: 2 }]);
    expect(new Set(handles.map(({ id }) => id)).size).toBe(2);
    expect(await handles[0].getState()).toMatchObject({ status: 'queued' });
  });

  it('goes through events and steps: the run has the envelope of its latest input, and all wait for it', async () => {
    const parent = workflow('parent', async (ctx: WorkflowContext<number>) => {
      if (ctx.input === 0) return ctx.step.emitEvent('emit', 'page.edited', edit(9), { eventId: 'last' });
      return ctx.step.runWorkflow('index', index, edit(ctx.input));
    });
    const engine = await startEngine({ registry: registryOf(index, parent) });
    const informed = informedClient(engine, index);
    const [delivered] = await informed.emitEvent('page.edited', edit(1), { eventId: 'first' });
    expect(delivered.deduplicated).toBe(false);
    expect(await informed.emitEvent('page.edited', edit(1))).toMatchObject([{ id: delivered.id, deduplicated: true }]);
    const waiting = [];
    for (const input of [2, 3]) {
      const handle = await engine.client.run(parent, input);
      await engine.until(handle.id, 'waiting');
      waiting.push(handle);
    }
    expect(await engine.client.getRun(delivered.id)).toMatchObject({ input: edit(3), trigger: 'api' });
    expect(await (await engine.client.run(parent, 0)).result()).toEqual([delivered.id]);
    await engine.advance(MINUTE_MS);
    for (const handle of waiting) expect(await handle.result()).toEqual([9, 'last']);
    expect((await engine.client.getEvent('first'))?.deliveries).toMatchObject([{ runId: delivered.id, status: 'delivered' }]);
    expect((await engine.client.listRuns({ workflow: 'index' })).items).toHaveLength(1);
  });

  it('keeps the latest input when the answer to an earlier create was lost and it is sent again', async () => {
    const engine = await startEngine({ worker: false });
    const proxy = await lossyProxy();
    const unlucky = engine.anotherClient({ url: proxy.url });
    const first = await unlucky.run(index, edit(1));
    const lost = proxy.dropReplyTo(/\r\ncreate_run\r\n/).then(() => proxy.pause());
    const joining = unlucky.run(index, edit(2), { idempotencyKey: 'k', onConflict: 'error' });
    await lost;
    expect(await engine.client.getRun(first.id)).toMatchObject({ input: edit(2) });
    await engine.client.run(index, edit(3));
    proxy.resume();
    expect(await joining).toMatchObject({ id: first.id, deduplicated: true });
    expect(await first.getState()).toMatchObject({ input: edit(3) });
  });

  it('loses no input to its timer, 1,000 times', async () => {
    const handled = new Map<string, number>();
    const racing = workflow('racing', (ctx: WorkflowContext<number>) => void handled.set(ctx.run.id, ctx.input), {
      debounce: { key: () => 'k', period: 1, timeout: 2 },
    });
    const engine = await startEngine({ workflows: [racing] });
    const latest = new Map<string, number>();
    for (let input = 1; input <= 1_000; input++) latest.set((await engine.client.run(racing, input)).id, input);
    for (const id of latest.keys()) await engine.until(id, 'succeeded');
    // Many runs, and many inputs in each: the timer did race.
    expect(latest.size).toBeGreaterThan(50);
    expect(latest.size).toBeLessThan(1_000);
    expect(handled).toEqual(latest);
  }, 60_000);
});
