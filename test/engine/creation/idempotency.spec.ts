import { describe, expect, it } from '@jest/globals';
import { IdempotencyConflictError, type WorkflowContext } from '../../../lib/engine/index.js';
import { once, rejection, startEngine, workflow } from '../../support/engine.js';

const echo = workflow('echo', (ctx: WorkflowContext) => ctx.input);

describe('idempotencyKey', () => {
  it('returns the existing run, whatever its input', async () => {
    const engine = await startEngine({ workflows: [echo] });
    const first = await engine.client.run(echo, { n: 1 }, { idempotencyKey: 'k' });
    const second = await engine.client.run(echo, { n: 2 }, { idempotencyKey: 'k' });
    expect(first.deduplicated).toBe(false);
    expect(second).toMatchObject({ id: first.id, deduplicated: true });
    expect(await second.result()).toEqual({ n: 1 });
    expect((await engine.client.listRuns()).items).toHaveLength(1);
  });

  it('returns the existing run, whatever its state', async () => {
    const fails = workflow('fails', () => Promise.reject(new Error('no')), { maxAttempts: 1 });
    const engine = await startEngine({ workflows: [fails] });
    const first = await engine.client.run(fails, undefined, { idempotencyKey: 'k' });
    await rejection(first.result());
    const again = await engine.client.run(fails, undefined, { idempotencyKey: 'k' });
    expect(again).toMatchObject({ id: first.id, deduplicated: true });
  });

  it('is scoped to the workflow', async () => {
    const other = workflow('other', (ctx: WorkflowContext) => ctx.input);
    const engine = await startEngine({ workflows: [echo, other] });
    const first = await engine.client.run(echo, 1, { idempotencyKey: 'k' });
    const second = await engine.client.run(other, 2, { idempotencyKey: 'k' });
    expect(second.id).not.toBe(first.id);
    expect(second.deduplicated).toBe(false);
  });

  it('does not meet other keys, whatever characters it has', async () => {
    const ab = workflow('a:b', (ctx: WorkflowContext) => ctx.input);
    const a = workflow('a', (ctx: WorkflowContext) => ctx.input);
    const engine = await startEngine({ worker: false });
    const ids = [
      await engine.client.run(ab, 1, { idempotencyKey: 'c' }),
      await engine.client.run(a, 1, { idempotencyKey: 'b:c' }),
      await engine.client.run(a, 1, { idempotencyKey: '{b}:c*' }),
      await engine.client.run(a, 1, { idempotencyKey: 'é' }),
      await engine.client.run(a, 1, { idempotencyKey: 'e\u0301' }),
      await engine.client.run(a, 1, { idempotencyKey: 'x'.repeat(512) }),
    ].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('makes one run of many concurrent creates from several clients', async () => {
    const engine = await startEngine({ worker: false });
    const clients = [engine.client, engine.anotherClient(), engine.anotherClient(), engine.anotherClient()];
    const creates = Array.from({ length: 200 }, (_, i) => clients[i % 4].run(echo, i, { idempotencyKey: 'k' }));
    const handles = await Promise.all(creates);
    expect(new Set(handles.map(({ id }) => id)).size).toBe(1);
    expect(handles.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1);
  });

  it('is free again when its time is over, which counts from creation', async () => {
    const engine = await startEngine({ workflows: [echo] });
    const first = await engine.client.run(echo, 1, { idempotencyKey: 'k', idempotencyTtl: 300 });
    // A later create does not prolong it.
    await engine.client.run(echo, 1, { idempotencyKey: 'k', idempotencyTtl: '1h' });
    const second = await once(async () => {
      const handle = await engine.client.run(echo, 2, { idempotencyKey: 'k', idempotencyTtl: '1h' });
      return !handle.deduplicated && handle;
    });
    expect(second.id).not.toBe(first.id);
  });

  it('is kept for a day by default', async () => {
    const engine = await startEngine({ worker: false });
    await engine.client.run(echo, 1, { idempotencyKey: 'k' });
    const left = await engine.redis.pttl(engine.key('idem:4:echo:k'));
    expect(left).toBeLessThanOrEqual(86_400_000);
    expect(left).toBeGreaterThan(86_000_000);
  });
});

describe("onConflict: 'error'", () => {
  it('refuses a different input and names the existing run', async () => {
    const engine = await startEngine({ worker: false });
    const first = await engine.client.run(echo, { n: 1 }, { idempotencyKey: 'k' });
    const error = await rejection(engine.client.run(echo, { n: 2 }, { idempotencyKey: 'k', onConflict: 'error' }));
    expect(error).toBeInstanceOf(IdempotencyConflictError);
    expect(error).toMatchObject({ existingRunId: first.id, workflow: 'echo', key: 'k', problem: 'input' });
    expect(error.message).toContain(first.id);
    expect((await engine.client.listRuns()).items).toHaveLength(1);
  });

  it('compares inputs as canonical JSON', async () => {
    const engine = await startEngine({ worker: false });
    const at = new Date(0);
    const input = { b: { y: [1, { q: 1, p: 2 }], x: undefined }, a: at };
    const same = { a: at.toISOString(), b: { y: [1, { p: 2, q: 1 }] } };
    const first = await engine.client.run(echo, input, { idempotencyKey: 'k', onConflict: 'error' });
    const second = await engine.client.run(echo, same, { idempotencyKey: 'k', onConflict: 'error' });
    expect(second).toMatchObject({ id: first.id, deduplicated: true });
    const reversed = engine.client.run(
      echo,
      { ...same, b: { y: [{ p: 2, q: 1 }, 1] } },
      { idempotencyKey: 'k', onConflict: 'error' },
    );
    expect(await rejection(reversed)).toBeInstanceOf(IdempotencyConflictError);
  });

  it.each([
    ['undefined', undefined, null],
    ['null', null, undefined],
    ['zero', 0, false],
    ['the empty string', '', undefined],
    ['an empty object', {}, []],
  ])('tells %s from what is like it', async (_name, input, other) => {
    const engine = await startEngine({ worker: false });
    const options = { runId: 'r1', onConflict: 'error' } as const;
    await engine.client.run(echo, input, options);
    expect((await engine.client.run(echo, input, options)).deduplicated).toBe(true);
    expect(await rejection(engine.client.run(echo, other, options))).toBeInstanceOf(IdempotencyConflictError);
  });

  it('compares the input of a run with the same id, too', async () => {
    const engine = await startEngine({ worker: false });
    await engine.client.run(echo, 1, { runId: 'r1' });
    const error = await rejection(engine.client.run(echo, 2, { runId: 'r1', onConflict: 'error' }));
    expect(error).toMatchObject({ name: 'IdempotencyConflictError', existingRunId: 'r1', runId: 'r1', problem: 'input' });
  });
});

describe('a run id that another workflow has', () => {
  it('is refused, and nothing is written', async () => {
    const other = workflow('other', () => undefined);
    const engine = await startEngine({ worker: false });
    await engine.client.run(echo, 1, { runId: 'r1' });
    const error = await rejection(engine.client.run(other, 1, { runId: 'r1', idempotencyKey: 'k' }));
    expect(error).toBeInstanceOf(IdempotencyConflictError);
    expect(error).toMatchObject({ existingRunId: 'r1', workflow: 'other', problem: 'workflow' });
    expect((await engine.client.getRun('r1'))?.workflow).toBe('echo');
    expect((await engine.client.run(other, 1, { idempotencyKey: 'k' })).deduplicated).toBe(false);
  });
});
