import { describe, expect, it } from '@jest/globals';
import { CodecError, type PayloadCodec, type WorkflowContext } from '../../../lib/engine/index.js';
import { aesCodec, slow } from '../../support/codecs.js';
import { contentsOf } from '../../support/contents.js';
import { gate, rejection, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { expectNoKeys } from '../../support/namespace.js';

/** Refuses what holds the word, and says all of it. */
const squeamish: PayloadCodec = {
  encode: (json) => {
    if (json.includes('poison')) throw new Error(`I do not take ${json}`);
    return json;
  },
  decode: (stored) => stored as string,
};

const echo = workflow('echo', (ctx: WorkflowContext) => ctx.input);

describe.each<[string, (codec: PayloadCodec) => PayloadCodec]>([
  ['a codec', (codec) => codec],
  ['an asynchronous codec', slow],
])('%s that fails to encode', (_name, made) => {
  it('refuses a run, many and an event before anything is written', async () => {
    const engine = await startEngine({ worker: false, client: { codec: made(squeamish) } });
    const error = await rejection(engine.client.run(echo, 'poison'));
    expect(error).toBeInstanceOf(CodecError);
    expect(error).toMatchObject({
      code: 'CODEC',
      what: 'input of workflow "echo"',
      cause: { message: 'I do not take "poison"' },
    });
    expect(error.message).toBe(
      'Cannot store input of workflow "echo": the `codec` failed to encode it (I do not take "poison"). Nothing of it was written.',
    );
    const many = ['fine', 'poison', 'fine'].map((input) => ({ input }));
    expect(await rejection(engine.client.runMany(echo, many))).toBeInstanceOf(CodecError);
    expect(await rejection(engine.client.emitEvent('told', 'poison'))).toMatchObject({ what: 'data of event "told"' });
    await expectNoKeys(engine.prefix);
  });

  it('fails the step, whose error is stored without what could not be encoded', async () => {
    const seen: Error[] = [];
    const flow = workflow(
      'flow',
      async (ctx: WorkflowContext) => {
        await ctx.step.run('quiet', async ({ progress }) => {
          seen.push(await rejection(progress('poison')));
        });
        await ctx.step.run('bad', () => 'poison');
      },
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [flow], worker: { codec: made(squeamish) }, client: { codec: squeamish } });
    const handle = await engine.client.run(flow, undefined);
    const error = await engine.failure(handle);
    expect(error).toBeInstanceOf(CodecError);
    expect(seen[0]).toMatchObject({ what: `progress of step "quiet" of run "${handle.id}"` });
    expect(engine.logs.matching('error', /failed to encode it/).length).toBeGreaterThan(0);
    expect(JSON.stringify(await contentsOf(engine.redis, `{${engine.prefix}}`))).not.toMatch(/poison/);
    expect(await engine.client.getRun(handle.id)).toMatchObject({
      error: { name: 'CodecError', what: `error of step "bad" of run "${handle.id}"` },
    });
  });

  it('fails the attempt of a run whose output it is, and the next one may succeed', async () => {
    const flow = workflow('flow', (ctx: WorkflowContext) => (ctx.run.attempt === 1 ? 'poison' : 'fine'), {
      retries: { delay: 1 },
    });
    const engine = await startEngine({ workflows: [flow], worker: { codec: made(squeamish) }, client: { codec: squeamish } });
    const handle = await engine.client.run(flow, undefined);
    expect(await handle.result()).toBe('fine');
    const attempts = await engine.client.getRunAttempts(handle.id);
    expect(attempts.find(({ outcome }) => outcome === 'failed')).toMatchObject({ error: { name: 'CodecError' } });
  });

  it('keeps a pass from parking while its output is encoded', async () => {
    const flow = workflow('flow', async (ctx: WorkflowContext) => {
      void ctx.step.waitFor('long', '1d');
      return ctx.step.run('short', () => 'short');
    });
    const codec = made(squeamish);
    const engine = await startEngine({ workflows: [flow], worker: { codec }, client: { codec } });
    expect(await (await engine.client.run(flow, undefined)).result()).toBe('short');
  });
});

describe('data that a codec has encoded', () => {
  const UNREADABLE: Array<[string, { codec?: PayloadCodec }, RegExp]> = [
    ['no codec', { codec: undefined }, /a codec has encoded it, and none is configured here/],
    ['another key', { codec: aesCodec() }, /the `codec` failed to decode it \(/],
    ['a codec that answers nonsense', { codec: { encode: String, decode: () => '{' } }, /failed to decode it \(.*JSON/],
    ['a codec that answers nothing', { codec: { encode: String, decode: () => undefined as never } }, /it returned no text/],
  ];

  it.each(UNREADABLE)('is a CodecError to a client with %s', async (_name, other, message) => {
    const codec = aesCodec();
    const engine = await startEngine({ workflows: [echo], client: { codec }, worker: { codec } });
    const handle = await engine.client.run(echo, 'hello', { runId: 'r1' });
    const client = engine.anotherClient(other);
    const early = rejection(client.getHandle('r1').result());
    await handle.result();
    const asks = [client.getRun('r1'), client.listRuns(), client.getHandle('r1').result(), client.getHandle('r1').getState()];
    for (const error of [await early, ...(await Promise.all(asks.map(rejection)))]) {
      expect(error).toBeInstanceOf(CodecError);
      expect(error.message).toMatch(message);
    }
    expect(await rejection(client.getRun('r1'))).toMatchObject({ what: 'input of run "r1"' });
    await engine.client.emitEvent('told', 'hello', { eventId: 'e1' });
    expect(await rejection(client.getEvent('e1'))).toMatchObject({ code: 'CODEC', what: 'data of event "e1"' });
    expect(await rejection(client.listEvents())).toMatchObject({ code: 'CODEC' });
  });

  it.each(UNREADABLE)(
    'makes a worker with %s hand the run back, with growing delays, to one that can read it',
    async (_name, other, message) => {
      const codec = aesCodec();
      const flow = workflow('flow', async (ctx: WorkflowContext) => {
        const first = await ctx.step.run('first', () => 'first');
        const event = await ctx.step.waitForEvent('event', { event: 'go', correlationKey: 'k' });
        return [ctx.input, first, event?.data];
      });
      const engine = await startEngine({ workflows: [flow], client: { codec }, worker: { codec } });
      const handle = await engine.client.run(flow, undefined);
      await engine.until(handle.id, 'waiting');
      await engine.worker.stop();
      await engine.client.emitEvent('go', 'now', { correlationKey: 'k' });
      const unfit = await engine.startWorker(other);
      const refusals = () => engine.logs.matching('warn', message).map(({ fields }) => fields.runId);
      await eventually(() => refusals().length === 1);
      await engine.until(handle.id, 'scheduled', 'waiting');
      await engine.advance(5_000);
      await eventually(() => refusals().length === 2);
      await engine.until(handle.id, 'scheduled', 'waiting');
      await unfit.stop();
      await engine.advance(10_000);
      await engine.startWorker({ codec });
      expect(await handle.result()).toEqual([null, 'first', 'now']);
      expect(refusals()).toEqual([handle.id, handle.id]);
    },
  );

  it('hands a run back whose wait ends with something that the codec fails on', async () => {
    const aes = aesCodec();
    let isBroken = false;
    const codec: PayloadCodec = {
      encode: aes.encode,
      decode: async (stored) => {
        if (isBroken) throw new Error('no key service');
        return aes.decode(stored);
      },
    };
    const begun = gate();
    const hold = gate();
    const flow = workflow('flow', async (ctx: WorkflowContext) => {
      const [, event] = await Promise.all([
        ctx.step.run('hold', () => {
          begun.open();
          return hold.promise;
        }),
        ctx.step.waitForEvent('event', { event: 'go', correlationKey: 'k' }),
      ]);
      return event?.data;
    });
    const engine = await startEngine({ workflows: [flow], client: { codec: aes }, worker: { codec } });
    const handle = await engine.client.run(flow, undefined);
    await begun.promise;
    await eventually(async () => (await engine.client.getRunSteps(handle.id)).some(({ name }) => name === 'event'));
    isBroken = true;
    await engine.client.emitEvent('go', 'now', { correlationKey: 'k' });
    await eventually(() => engine.logs.matching('error', /handed back: Cannot read step "event".*no key service/).length > 0);
    isBroken = false;
    hold.open();
    await engine.until(handle.id, 'waiting', 'scheduled');
    await engine.advance(300_000);
    expect(await handle.result()).toBe('now');
  });
});
