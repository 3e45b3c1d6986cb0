import { describe, expect, it } from '@jest/globals';
import { createRegistry, defineWorkflow, type PayloadCodec, type WorkflowContext } from '../../../lib/engine/index.js';
import { aesCodec, gzipCodec, slow } from '../../support/codecs.js';
import { contentsOf } from '../../support/contents.js';
import { type Engine, gate, once, rejection, startEngine, workflow } from '../../support/engine.js';

const SECRET = 'hush-4711-ä€🎈';
const SECRET_SHOWS = /hush-4711/;
const SOON = { maxAttempts: 2, delay: 1 };

const CODECS: Array<[name: string, codec: PayloadCodec]> = [
  ['AES-GCM', aesCodec()],
  ['an asynchronous AES-GCM', slow(aesCodec())],
  ['gzip', gzipCodec],
  ['an asynchronous gzip', slow(gzipCodec)],
];

interface Given {
  secret: string;
}

/** Workflows that put the secret everywhere where data of a user may go. */
function tour() {
  const registry = createRegistry();
  const child = defineWorkflow('child', { registry, handler: (ctx: WorkflowContext<Given>) => ({ child: ctx.input.secret }) });
  const failingChild = defineWorkflow('failing-child', {
    registry,
    maxAttempts: 1,
    handler: (ctx: WorkflowContext<Given>) => {
      throw new Error(`child: ${ctx.input.secret}`);
    },
  });
  const subscriber = defineWorkflow('subscriber', {
    registry,
    event: [{ name: 'told' }],
    handler: (ctx: WorkflowContext<Given>) => [ctx.input.secret, ctx.event?.data],
  });
  const refusing = defineWorkflow('refusing', {
    registry,
    event: [
      {
        name: 'told',
        if: ({ data }) => {
          throw new Error(`filter: ${data.secret}`);
        },
      },
    ],
    handler: () => undefined,
  });
  const nightly = defineWorkflow('nightly', {
    registry,
    cron: [{ id: 'night', expression: '0 0 1 1 *', input: { secret: SECRET } }],
    handler: (ctx: WorkflowContext<Given>) => ctx.input.secret,
  });
  const main = defineWorkflow('main', {
    registry,
    retries: SOON,
    handler: async (ctx: WorkflowContext<Given>) => {
      const { step, input } = ctx;
      const plain = await step.run('plain', () => ({ word: input.secret }));
      const nothing = await step.run('nothing', () => undefined);
      const reported = await step.run(
        'reports',
        async (own) => {
          if (own.attempt === 1) {
            await own.progress({ at: input.secret });
            throw new Error(`step: ${input.secret}`);
          }
          return own.lastProgress;
        },
        { retries: SOON },
      );
      await step.waitFor('pause', 1);
      const caught = await step
        .run('caught', () => {
          throw new RangeError(`caught: ${input.secret}`);
        })
        .catch((error: Error) => error);
      const one = await step.runWorkflow('one', child, input);
      const refused = await step.runWorkflow('two', failingChild, input).catch((error: Error) => error.cause as Error);
      await step.emitWorkflow('three', child, input);
      await step.emitEvent('tell', 'told', input);
      const event = await step.waitForEvent<Given>('event', { event: 'answer', correlationKey: 'k' });
      const first = await step.waitForAny('first', { e: { event: 'answer', correlationKey: 'k' }, t: { for: '1h' } });
      const second = await step.waitForAny('second', { c: { workflow: child, input }, t: { for: '1h' } });
      if (ctx.run.attempt === 1) throw new Error(`attempt: ${input.secret}`);
      return {
        plain,
        nothing,
        reported,
        caught: (caught as Error).message,
        one,
        refused: refused as Error,
        event,
        first,
        second,
      };
    },
  });
  return { registry, main, subscriber, refusing, nightly };
}

/** A saga whose end, compensation and failure hook all fail with the secret. */
function saga() {
  const registry = createRegistry();
  const flow = defineWorkflow('saga', {
    registry,
    maxAttempts: 1,
    handler: async (ctx: WorkflowContext<Given>) => {
      const undo = (output?: string) => {
        throw new Error(`undo: ${output}`);
      };
      await ctx.step.run('book', () => ctx.input.secret, { compensate: { run: undo, retries: SOON } });
      throw new Error(`saga: ${ctx.input.secret}`);
    },
    onFailure: async ({ input, error, step }) => {
      await step.run('tell', () => [input, error.message]);
      throw new Error(`hook: ${error.message}`);
    },
  });
  return { registry, flow };
}

async function expectNoSecret(engine: Engine): Promise<void> {
  const contents = await contentsOf(engine.redis, `{${engine.prefix}}`);
  expect(Object.keys(contents).length).toBeGreaterThan(5);
  expect(JSON.stringify(contents)).not.toMatch(SECRET_SHOWS);
}

const withCodec = (codec: PayloadCodec) => ({ client: { codec }, worker: { codec } });

describe.each(CODECS)('payloads with %s', (_name, codec) => {
  it('are nowhere to be seen in Redis, and plain to handlers and queries', async () => {
    const { registry, main, subscriber } = tour();
    const engine = await startEngine({ registry, ...withCodec(codec) });
    const { client } = engine;
    const given = { secret: SECRET };
    const handle = await client.run(main, given);
    const toldId = await once(async () => {
      const [told] = (await client.listEvents({ name: 'told' })).items;
      return told?.fanoutStatus === 'partial' && told.id;
    }, 'the event was told');
    await expectNoSecret(engine);
    for (const number of [1, 2]) {
      await client.emitEvent('answer', { secret: `${number} ${SECRET}` }, { correlationKey: 'k', eventId: `answer-${number}` });
    }
    const answer = (number: number) => ({ name: 'answer', correlationKey: 'k', data: { secret: `${number} ${SECRET}` } });

    const result = await handle.result();
    expect(result).toMatchObject({
      plain: { word: SECRET },
      reported: { at: SECRET },
      caught: `caught: ${SECRET}`,
      one: { child: SECRET },
      event: answer(1),
      first: { winner: 'e', value: answer(2) },
      second: { winner: 'c', value: { child: SECRET } },
    });
    expect(result).not.toHaveProperty('nothing');
    expect(await client.getRun(handle.id)).toMatchObject({ input: given, output: { plain: { word: SECRET } } });
    const { items: children } = await client.listRuns({ workflow: 'child' });
    expect(children.map(({ input }) => input)).toEqual([given, given, given]);
    const steps = new Map((await client.getRunSteps(handle.id)).map((step) => [step.name, step]));
    expect(steps.get('plain')).toMatchObject({ output: { word: SECRET } });
    expect(steps.get('reports')).toMatchObject({ output: { at: SECRET }, progress: { at: SECRET } });
    expect(steps.get('caught')).toMatchObject({ status: 'failed', error: { message: `caught: ${SECRET}` } });
    expect(steps.get('two')).toMatchObject({ status: 'failed', error: { message: `child: ${SECRET}` } });
    expect(steps.get('event')).toMatchObject({ output: answer(1) });
    expect(steps.get('first')).toMatchObject({ output: { winner: 'e', value: answer(2) } });
    expect(steps.get('second')).toMatchObject({ output: { winner: 'c', value: { child: SECRET } } });
    const errors = (await client.getRunAttempts(handle.id)).flatMap(({ error }) => error?.message ?? []);
    expect(errors).toEqual([`attempt: ${SECRET}`]);
    const told = await client.getEvent(toldId);
    expect(told).toMatchObject({
      data: given,
      deliveries: [
        { workflow: 'refusing', status: 'failed', error: { message: `filter: ${SECRET}` } },
        { workflow: subscriber.name, status: 'delivered' },
      ],
    });
    const delivered = told?.deliveries[1].runId as string;
    expect(await client.getHandle(delivered).result()).toEqual([SECRET, given]);
    // This client does not know the subscribers: their worker asks the filter, and tells the event.
    await client.emitEvent('told', given, { eventId: 'told-2' });
    const asked = await once(async () => {
      const event = await client.getEvent('told-2');
      return event?.failedDeliveryCount === 1 && event;
    }, 'the worker has asked the filter');
    expect(asked.deliveries[0]).toMatchObject({ status: 'failed', error: { message: `filter: ${SECRET}` } });
    expect(await (await client.triggerSchedule('night')).result()).toBe(SECRET);
    await expectNoSecret(engine);
  });

  it('hold in failures, compensations and hooks', async () => {
    const { registry, flow } = saga();
    const engine = await startEngine({ registry, ...withCodec(codec) });
    const handle = await engine.client.run(flow, { secret: SECRET });
    expect((await engine.failure(handle)).message).toBe(`saga: ${SECRET}`);
    // As those get it who ask when the run has ended.
    expect((await engine.failure(handle)).message).toBe(`saga: ${SECRET}`);
    const run = await engine.hookEnded(handle.id, 60_000);
    expect(run).toMatchObject({
      error: { message: `saga: ${SECRET}` },
      compensationErrors: [{ step: 'book', message: `undo: ${SECRET}` }],
      failureHook: { status: 'failed', error: { message: `hook: saga: ${SECRET}` } },
    });
    await expectNoSecret(engine);
  });
});

describe('a codec', () => {
  it('that hangs does not keep a worker from stopping: the run is handed back', async () => {
    const asked = gate();
    const codec = aesCodec();
    const hanging: PayloadCodec = {
      encode: codec.encode,
      decode: () => {
        asked.open();
        return new Promise(() => undefined);
      },
    };
    const flow = workflow('flow', (ctx: WorkflowContext<string>) => ctx.input);
    const engine = await startEngine({ workflows: [flow], client: { codec }, worker: { codec: hanging } });
    const handle = await engine.client.run(flow, 'input');
    await asked.promise;
    await engine.worker.stop({ timeoutMs: 0 });
    expect(await handle.getState()).toMatchObject({ status: 'queued', recoveries: 0 });
    await engine.startWorker({ codec });
    expect(await handle.result()).toBe('input');
  });

  it('that hangs when schedules are declared again does not keep a worker from stopping', async () => {
    const asked = gate();
    const codec = aesCodec();
    let hangs = false;
    const hanging: PayloadCodec = {
      encode: (json) => {
        if (!hangs) return codec.encode(json);
        asked.open();
        return new Promise(() => undefined);
      },
      decode: codec.decode,
    };
    const flow = workflow('flow', () => undefined, { cron: [{ id: 'yearly', expression: '0 0 1 1 *', input: 1 }] });
    const engine = await startEngine({ workflows: [flow], worker: { codec: hanging, registryRecoveryIntervalMs: 10 } });
    hangs = true;
    await asked.promise;
    await engine.worker.stop({ timeoutMs: 0 });
    expect((await engine.client.getStats()).workers).toEqual([]);
  });

  it('is not left out when the failure of a step is opened for the next attempt', async () => {
    const flow = defineWorkflow('flow', {
      registry: createRegistry(),
      retries: { maxAttempts: 2, delay: '1h' },
      handler: async ({ step, input }: WorkflowContext<Given>) => {
        const caught = await rejection(step.run('bad', () => Promise.reject(new Error(input.secret))));
        await step.waitFor('pause', 1);
        throw new Error('later', { cause: caught });
      },
    });
    const codec = aesCodec();
    const engine = await startEngine({ workflows: [flow], ...withCodec(codec) });
    const { id } = await engine.client.run(flow, { secret: SECRET });
    await once(async () => (await engine.client.getRunAttempts(id)).some(({ outcome }) => outcome === 'failed'));
    const steps = await engine.client.getRunSteps(id);
    expect(steps.find(({ name }) => name === 'bad')).toMatchObject({ status: 'failed', error: { message: SECRET } });
    await expectNoSecret(engine);
  });

  it('may be set where there is plain data already', async () => {
    const { registry, main } = tour();
    const engine = await startEngine({ registry });
    const handle = await engine.client.run(main, { secret: SECRET });
    await once(async () => (await engine.client.getRunSteps(handle.id)).some(({ name }) => name === 'event'));
    await engine.worker.stop();
    const codec = slow(aesCodec());
    await engine.startWorker({ codec });
    const client = engine.anotherClient({ codec });
    for (const _ of [1, 2]) await client.emitEvent('answer', { secret: SECRET }, { correlationKey: 'k' });
    expect(await client.getHandle(handle.id).result()).toMatchObject({ plain: { word: SECRET }, one: { child: SECRET } });
    expect(await client.getRun(handle.id)).toMatchObject({ input: { secret: SECRET } });
  });

  it('is not asked about nothing, and its work does not count for the limit', async () => {
    const flow = defineWorkflow('echo', { registry: createRegistry(), handler: (ctx: WorkflowContext) => ctx.input });
    const seen: string[] = [];
    const padding = {
      encode: (json: string) => {
        seen.push(json);
        return json.padEnd(5_000);
      },
      decode: (stored: string | Uint8Array) => String(stored).trimEnd(),
    };
    const limit = { codec: padding, maxPayloadBytes: 10 };
    const engine = await startEngine({ workflows: [flow], client: limit, worker: limit });
    expect(await (await engine.client.run(flow, undefined)).result()).toBeUndefined();
    expect(seen).toEqual([]);
    expect(await (await engine.client.run(flow, '8 charac')).result()).toBe('8 charac');
    expect(await rejection(engine.client.run(flow, '9 charact'))).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', bytes: 11 });
  });

  it('does not get in the way of comparing inputs', async () => {
    const flow = defineWorkflow('echo', { registry: createRegistry(), handler: (ctx: WorkflowContext) => ctx.input });
    const engine = await startEngine({ worker: false, client: { codec: aesCodec() } });
    const options = { runId: 'r1', onConflict: 'error' } as const;
    await engine.client.run(flow, { a: 1, b: [2] }, options);
    expect(await engine.client.run(flow, { b: [2], a: 1 }, options)).toMatchObject({ id: 'r1', deduplicated: true });
    expect(await rejection(engine.client.run(flow, { a: 2, b: [2] }, options))).toMatchObject({ problem: 'input' });
  });

  it('keeps the order of many creates, of reports of progress and of parallel steps', async () => {
    const codec = slow(aesCodec());
    const started: number[] = [];
    const flow = defineWorkflow('ordered', {
      registry: createRegistry(),
      handler: async (ctx: WorkflowContext<number>) => {
        started.push(ctx.input);
        await ctx.step.run('reports', async ({ progress }) => {
          await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(progress));
        });
        const steps = [1, 2, 3, 4, 5].map((number) => ctx.step.run(`s${number}`, () => number));
        const first = await Promise.race(steps);
        await Promise.all(steps);
        await ctx.step.waitFor('pause', 1);
        return [first, await ctx.step.run('first', () => first)];
      },
    });
    const engine = await startEngine({ workflows: [flow], worker: false, client: { codec } });
    const numbers = Array.from({ length: 30 }, (_, index) => index);
    const handles = await engine.client.runMany(
      flow,
      numbers.map((input) => ({ input })),
    );
    await engine.startWorker({ codec, concurrency: 1 });
    for (const handle of handles) {
      // The first pass stored who had won; the race has the same winner when it is replayed.
      const [winner, stored] = await handle.result();
      expect(winner).toBe(stored);
      const [{ progress }] = await engine.client.getRunSteps(handle.id);
      expect(progress).toBe(8);
    }
    expect([...new Set(started)]).toEqual(numbers);
  });
});
