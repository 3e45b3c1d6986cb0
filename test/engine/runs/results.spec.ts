import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { ConnectionError, InvalidOptionError, ResultTimeoutError, type WorkflowContext } from '../../../lib/engine/index.js';
import { gate, rejection, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';

const echo = workflow('echo', (ctx: WorkflowContext) => ctx.input);

describe('handle.result()', () => {
  it('gives the output, before and after the end', async () => {
    const engine = await startEngine({ worker: false });
    const handle = await engine.client.run(echo, { a: [1] });
    const before = handle.result();
    await engine.startWorker({ workflows: [echo] });
    expect(await before).toEqual({ a: [1] });
    expect(await handle.result()).toEqual({ a: [1] });
    expect(await engine.anotherClient().getHandle(handle.id).result()).toEqual({ a: [1] });
  });

  it('gives everybody who waits an answer, from every client', async () => {
    const engine = await startEngine({ worker: false });
    const handle = await engine.client.run(echo, 'done');
    const clients = [engine.client, engine.anotherClient(), engine.anotherClient()];
    const waiting = Array.from({ length: 60 }, (_, i) => clients[i % 3].getHandle(handle.id).result());
    await engine.startWorker({ workflows: [echo] });
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['done']));
  });

  it('gives each run its own output', async () => {
    const engine = await startEngine({ workflows: [echo] });
    const handles = await engine.client.runMany<unknown, unknown>(
      echo,
      Array.from({ length: 200 }, (_, i) => ({ input: i })),
    );
    expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it('gives outputs that are too long for a message', async () => {
    const engine = await startEngine({ worker: false });
    const long = 'ä'.repeat(100_000);
    const handle = await engine.client.run(echo, long);
    const result = handle.result();
    await engine.startWorker({ workflows: [echo] });
    expect(await result).toBe(long);
  });

  it('gives every waiter a value of its own', async () => {
    const engine = await startEngine({ worker: false });
    const handle = await engine.client.run(echo, { list: [] });
    const waiting = [handle.result(), handle.result()];
    await engine.startWorker({ workflows: [echo] });
    const [one, other] = await Promise.all(waiting);
    expect(one).toEqual({ list: [] });
    expect(one).not.toBe(other);
  });

  it('works for ids with any characters', async () => {
    const engine = await startEngine({ worker: false });
    const handle = await engine.client.run(echo, 1, { runId: 'a:b=?ü🎈' });
    const result = handle.result();
    await engine.startWorker({ workflows: [echo] });
    expect(await result).toBe(1);
  });
});

describe('waiting for a result', () => {
  it('ends with ResultTimeoutError; the run goes on', async () => {
    const engine = await startEngine({ worker: false });
    const handle = await engine.client.run(echo, 'late');
    const error = await rejection(handle.result({ timeoutMs: 20 }));
    expect(error).toBeInstanceOf(ResultTimeoutError);
    expect(error).toMatchObject({ code: 'RESULT_TIMEOUT', runId: handle.id, timeoutMs: 20 });
    await engine.startWorker({ workflows: [echo] });
    expect(await handle.result({ timeoutMs: 60_000 })).toBe('late');
  });

  it('ends with the reason of a signal', async () => {
    const engine = await startEngine({ worker: false });
    const handle = await engine.client.run(echo, 1);
    const controller = new AbortController();
    const waiting = rejection(handle.result({ signal: controller.signal }));
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await waiting).toBe(reason);
    expect(await rejection(handle.result({ signal: controller.signal }))).toBe(reason);
  });

  it('leaves other waiters alone when one gives up', async () => {
    const engine = await startEngine({ worker: false });
    const handle = await engine.client.run(echo, 1);
    const patient = handle.result();
    await rejection(handle.result({ timeoutMs: 1 }));
    await engine.startWorker({ workflows: [echo] });
    expect(await patient).toBe(1);
  });

  it('ends with ConnectionError when the client closes', async () => {
    const engine = await startEngine({ worker: false });
    const client = engine.anotherClient();
    const handle = await client.run(echo, 1);
    const waiting = [rejection(handle.result()), rejection(handle.result({ timeoutMs: 60_000 }))];
    await client.close();
    for (const error of await Promise.all(waiting)) expect(error).toBeInstanceOf(ConnectionError);
    expect(await rejection(handle.result())).toBeInstanceOf(ConnectionError);
    expect((await engine.client.getRun(handle.id))?.status).toBe('queued');
  });

  it('listens once to a signal however many calls have it, and no more once they are over', async () => {
    const engine = await startEngine({ worker: false });
    const controller = new AbortController();
    const { signal } = controller;
    const handles = await Promise.all([1, 2, 3].map((input) => engine.client.run(echo, input)));
    const waiting = handles.flatMap((handle) => Array.from({ length: 5 }, () => rejection(handle.result({ signal }))));
    const other = new AbortController();
    const canceled = rejection(handles[0].result({ signal: other.signal }));
    await eventually(() => getEventListeners(other.signal, 'abort').length === 1);
    // At the eleventh Node warns of a leak.
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await handles[0].cancel();
    await canceled;
    await Promise.all(waiting.slice(0, 5));
    expect(getEventListeners(other.signal, 'abort')).toEqual([]);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await Promise.all(waiting.slice(5))).toEqual(Array.from({ length: 10 }, () => reason));
    expect(await rejection(handles[1].result({ signal }))).toBe(reason);
  });

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses timeoutMs %p', async (timeoutMs) => {
    const engine = await startEngine({ worker: false });
    const handle = engine.client.getHandle('r1');
    expect(await rejection(handle.result({ timeoutMs }))).toBeInstanceOf(InvalidOptionError);
  });

  it('may take longer than the first pass of a run', async () => {
    const release = gate<string>();
    const slow = workflow('slow', async (ctx: WorkflowContext) => {
      await ctx.step.waitFor('nap', '1h');
      return release.promise;
    });
    const engine = await startEngine({ workflows: [slow] });
    const handle = await engine.client.run(slow, undefined);
    const waiting = handle.result();
    await engine.until(handle.id, 'waiting');
    await engine.advance(3_600_000);
    await engine.until(handle.id, 'running');
    release.open('done');
    expect(await waiting).toBe('done');
  });
});
