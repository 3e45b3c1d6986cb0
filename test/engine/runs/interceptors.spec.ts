import { AsyncLocalStorage } from 'node:async_hooks';
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  createRegistry,
  defineWorkflow,
  type PassCall,
  type PayloadCodec,
  type RunHeaders,
  type RunInterceptor,
  type WorkflowContext,
} from '../../../lib/engine/index.js';
import { blocked } from '../../support/blocked.js';
import { once, rejection, startEngine, workflow } from '../../support/engine.js';

const current = new AsyncLocalStorage<string>();
let seen: string[];
beforeEach(() => {
  seen = [];
});

/** Writes down what it comes around, and sends along who has called. */
const tracing: RunInterceptor = {
  async create({ workflow, by, headers }, next) {
    headers.caller = current.getStore() ?? 'nobody';
    const { runId } = await next();
    seen.push(`create ${workflow} by ${by}: ${typeof runId}`);
    return { runId };
  },
  async emit({ event, by, headers }, next) {
    headers.caller = current.getStore() ?? 'nobody';
    await next();
    seen.push(`emit ${event} by ${by}`);
  },
  pass: ({ headers: { caller } }, next) => current.run(caller as string, next),
};
const child = workflow('child', () => void seen.push(`child for ${current.getStore()}`));
const listener = workflow('listener', () => void seen.push(`listener for ${current.getStore()}`), { event: [{ name: 'told' }] });

describe('the creation of runs', () => {
  it('passes interceptors in a client, in steps and for schedules, and sends their headers along', async () => {
    const parent = workflow('parent', async (ctx: WorkflowContext) => {
      await ctx.step.runWorkflow('run', child, undefined);
      await ctx.step.emitWorkflow('start', child, undefined);
      await ctx.step.waitForAny('any', { only: { workflow: child, input: undefined } });
      await ctx.step.emitEvent('tell', 'told', null);
    });
    const yearly = workflow('report', () => void seen.push(`report for ${current.getStore()}`), {
      cron: [{ id: 'yearly', expression: '0 0 1 1 *' }],
    });
    const interceptors = [tracing];
    const engine = await startEngine({
      workflows: [parent, child, listener, yearly],
      client: { interceptors },
      worker: { interceptors },
    });
    await current.run('ann', async () => (await engine.client.run(parent, undefined)).result());
    await current.run('bob', async () => (await engine.client.emitEvent('told', null))[0].result());
    await current.run('eve', async () => (await engine.client.triggerSchedule('yearly')).result());
    await once(async () => seen.length === 13);
    const times = (line: string) => seen.filter((one) => one === line).length;
    expect(times('create parent by client: string')).toBe(1);
    expect(times('create child by step: string')).toBe(3);
    expect(times('child for ann')).toBe(3);
    expect(times('emit told by step')).toBe(1);
    expect(times('listener for ann')).toBe(1);
    expect(times('emit told by client')).toBe(1);
    expect(times('listener for bob')).toBe(1);
    expect(times('create report by schedule: string')).toBe(1);
    expect(times('report for eve')).toBe(1);
  });

  it('passes them in the order of their list, and stores their headers through the codec', async () => {
    const adding = (name: string): RunInterceptor => ({
      create: ({ headers }, next) => {
        headers.path = [...((headers.path as string[]) ?? []), name];
        return next();
      },
    });
    const reading: RunInterceptor = {
      pass: ({ headers }, next) => {
        seen.push(JSON.stringify(headers));
        return next();
      },
    };
    const codec: PayloadCodec = {
      encode: (json) => [...json].reverse().join(''),
      decode: (stored) => [...(stored as string)].reverse().join(''),
    };
    const context = { capture: () => 'acme', restore: <T>(_carrier: unknown, next: () => T) => next() };
    const engine = await startEngine({
      workflows: [child],
      client: { codec, context, interceptors: [adding('outer'), adding('inner')] },
      worker: { codec, context, interceptors: [reading] },
    });
    await (await engine.client.run(child, undefined)).result();
    expect(seen[0]).toBe('{"context":"acme","path":["outer","inner"]}');
  });

  it('happens once, however often next() is called', async () => {
    const twice: RunInterceptor = {
      create: async (_call, next) => {
        await next();
        return next();
      },
    };
    const engine = await startEngine({ workflows: [child], client: { interceptors: [twice] } });
    await (await engine.client.run(child, undefined)).result();
    expect((await engine.client.listRuns()).items).toHaveLength(1);
  });

  it('fails with what an interceptor throws, or if it leaves next() out: nothing is written', async () => {
    const refusing: RunInterceptor = {
      create({ runId, tags }) {
        if (tags.refused) throw new Error('no');
        return Promise.resolve({ runId });
      },
      emit: () => Promise.resolve(),
    };
    const engine = await startEngine({ workflows: [child, listener], client: { interceptors: [refusing] } });
    await expect(engine.client.run(child, undefined, { tags: { refused: 'yes' } })).rejects.toThrow('no');
    await expect(engine.client.run(child, undefined)).rejects.toThrow('`create` returned without calling next()');
    await expect(engine.client.emitEvent('told', null)).rejects.toThrow('`emit` returned without calling next()');
    expect((await engine.client.listRuns()).items).toEqual([]);
  });

  it('is what it came to, whatever an interceptor does behind next(): in a client, in a step and in its replay', async () => {
    const late: RunInterceptor = {
      create: async ({ workflow }, next) => {
        const written = await next();
        if (workflow === 'parent') await new Promise(() => undefined);
        throw new Error(`behind ${written.runId}`);
      },
      emit: async (_call, next) => {
        await next();
        throw new Error('behind');
      },
    };
    const one = workflow('child', () => 'of the child');
    const parent = workflow('parent', async (ctx: WorkflowContext) => {
      const came: unknown[] = [await ctx.step.runWorkflow('run', one, undefined)];
      await ctx.step.emitWorkflow('start', one, undefined);
      came.push(await ctx.step.waitForAny('any', { only: { workflow: one, input: undefined } }));
      came.push(await ctx.step.emitEvent('tell', 'told', null));
      await ctx.step.waitFor('a-while', 1);
      return came;
    });
    const interceptors = [late];
    const engine = await startEngine({ workflows: [parent, one, listener], client: { interceptors }, worker: { interceptors } });
    const run = await engine.client.run(parent, undefined, { runId: 'r' });
    const output = await run.result();
    expect(output).toEqual(['of the child', { winner: 'only', value: 'of the child' }, [expect.any(String)]]);
    expect((await run.getState()).attempt).toBe(1);
    const [told] = await engine.client.emitEvent('told', null);
    await told.result();
    expect((await engine.client.listRuns({ workflow: 'child' })).items).toHaveLength(3);
    // Three by steps, by their ids; an emission each of a step and of the client.
    await once(async () => engine.logs.matching('warn', /`(create|emit)` failed behind its next\(\)/).length === 5);
  });

  it('of many is all or nothing, and keeps their order, whatever interceptors take for each', async () => {
    const slow: RunInterceptor = {
      create: async ({ tags }, next) => {
        await new Promise((resolve) => setTimeout(resolve, Number(tags.delay)));
        if (tags.delay === '0') throw new Error('not this one');
        return next();
      },
    };
    const numbers: number[] = [];
    const counting = workflow('counting', (ctx: WorkflowContext<number>) => void numbers.push(ctx.input));
    const engine = await startEngine({ workflows: [counting], client: { interceptors: [slow] }, worker: { concurrency: 1 } });
    const items = (...delays: number[]) => delays.map((delay, input) => ({ input, tags: { delay: String(delay) } }));
    await expect(engine.client.runMany(counting, items(1, 30, 0))).rejects.toThrow('not this one');
    expect((await engine.client.listRuns()).items).toEqual([]);
    for (const run of await engine.client.runMany(counting, items(40, 1, 20))) await run.result();
    expect(numbers).toEqual([0, 1, 2]);
  });
});

describe('a pass', () => {
  const watching = (lines: string[]): RunInterceptor => ({
    pass: (call: PassCall, next) => {
      const { kind, run, storedSteps } = call;
      void call.ended.then((outcome) =>
        lines.push(`${kind} of ${run.workflow}, attempt ${run.attempt}, ${storedSteps} stored: ${outcome}`),
      );
      return next();
    },
  });

  it('is told to interceptors from its beginning to its end, whichever that is', async () => {
    const order = defineWorkflow('order', {
      registry: createRegistry(),
      maxAttempts: 2,
      retries: { delay: 1 },
      handler: async (ctx) => {
        await ctx.step.run('book', () => 1, { compensate: () => void seen.push('unbooked') });
        await ctx.step.waitFor('a-while', 1);
        throw new Error('no');
      },
      onFailure: () => void seen.push('hook'),
    });
    const lines: string[] = [];
    const engine = await startEngine({ workflows: [order], worker: { interceptors: [watching(lines)] } });
    const run = await engine.client.run(order, undefined);
    await rejection(run.result());
    await once(async () => (await run.getState()).failureHook?.status === 'succeeded');
    await once(async () => lines.at(-1)?.startsWith('failureHook') === true);
    expect(seen).toEqual(['unbooked', 'hook']);
    const distinct = [...new Set(lines.map((line) => line.replace(/\d stored/, 'n stored')))];
    // Where every step parks, passes are handed back between them.
    expect(distinct.filter((line) => !/(parked|handed_back)$/.test(line))).toEqual([
      'handler of order, attempt 1, n stored: failed',
      'handler of order, attempt 2, n stored: failed',
      'compensation of order, attempt 2, n stored: failed',
      'failureHook of order, attempt 1, n stored: succeeded',
    ]);
    expect(lines[0]).toMatch(/^handler of order, attempt 1, 0 stored: (parked|failed|handed_back)$/);
  });

  it('is told to have been canceled, handed back, or blocked', async () => {
    const lines: string[] = [];
    const interceptors = [watching(lines)];
    const stuck = workflow('stuck', async (ctx: WorkflowContext) => {
      seen.push('stuck');
      await ctx.step.run('forever', (step) => new Promise((_, reject) => step.signal.addEventListener('abort', reject)));
    });
    const renamed = (step: string) =>
      workflow(
        'renamed',
        async (ctx: WorkflowContext) => {
          await ctx.step.run(step, () => 1);
          await ctx.step.waitForEvent('go-on', { event: 'go', correlationKey: 'now' });
        },
        { determinismGrace: 1 },
      );
    const engine = await startEngine({ worker: false });
    const first = await engine.startWorker({ workflows: [stuck, renamed('charge')], interceptors });
    const canceled = await engine.client.runByName('stuck', 0);
    await once(async () => seen.length === 1);
    await engine.client.cancelRun(canceled.id);
    await rejection(canceled.result());
    const departing = await engine.client.runByName('renamed', 0);
    await engine.until(departing.id, 'waiting');
    const left = await engine.client.runByName('stuck', 0);
    await once(async () => seen.length === 2);
    await first.stop({ timeoutMs: 1 });
    await engine.startWorker({ workflows: [renamed('charge-card')], interceptors });
    await engine.client.emitEvent('go', null, { correlationKey: 'now' });
    await blocked(engine, departing.id);
    await once(async () => lines.some((line) => line.endsWith('blocked')));
    const told = lines.map((line) => line.replace(/, attempt.*:/, ':'));
    const ends = ['handler of stuck: canceled', 'handler of stuck: handed_back', 'handler of renamed: blocked'];
    expect(ends.map((end) => told.filter((line) => line === end).length)).toEqual([1, 1, 1]);
    await engine.client.cancelRun(left.id);
  });

  it('has the output that its interceptor returns, and fails as the attempt does with what that throws', async () => {
    const doubling: RunInterceptor = { pass: async (_call, next) => Number(await next()) * 2 };
    const failing: RunInterceptor = {
      pass: ({ run }, next) => {
        if (run.attempt === 1) throw new Error('at first');
        return next();
      },
    };
    const one = workflow('one', () => 1, { maxAttempts: 2, retries: { delay: 1 } });
    const engine = await startEngine({ workflows: [one], worker: { interceptors: [failing, doubling] } });
    const run = await engine.client.run(one, undefined);
    expect(await run.result()).toBe(2);
    expect((await run.getState()).attempt).toBe(2);
  });

  it('that compensates does so once, whatever an interceptor throws before or behind it', async () => {
    const failing: RunInterceptor = {
      pass: async ({ kind, run }, next) => {
        if (kind === 'compensation' && run.tags.when === 'before') throw new Error('before');
        const output = await next();
        if (kind === 'compensation') throw new Error('behind');
        return output;
      },
    };
    const order = workflow(
      'order',
      async (ctx: WorkflowContext) => {
        await ctx.step.run('book', () => 1, { compensate: () => void seen.push(`unbooked ${ctx.run.tags.when}`) });
        throw new Error('no');
      },
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [order], worker: { interceptors: [failing] } });
    const behind = await engine.client.run(order, undefined, { tags: { when: 'behind' } });
    await rejection(behind.result());
    expect(seen).toEqual(['unbooked behind']);
    expect(engine.logs.matching('error', /`pass` failed behind its next\(\): .*behind/)).toHaveLength(1);
    // As where its handler fails before it has come to the step: tried again, and not given up.
    const before = await engine.client.run(order, undefined, { tags: { when: 'before' } });
    await once(async () => engine.logs.matching('error', /is tried again: .*before/).length > 0);
    expect((await before.getState()).status).not.toBe('failed');
    expect(seen).toEqual(['unbooked behind']);
  });

  it('that compensates does not wait for an interceptor that hangs, before or behind next()', async () => {
    const hanging: RunInterceptor = {
      pass: async ({ kind, run }, next) => {
        if (kind !== 'compensation') return next();
        if (run.tags.when === 'behind') await next();
        return new Promise(() => undefined);
      },
    };
    const order = workflow(
      'order',
      async (ctx: WorkflowContext) => {
        await ctx.step.run('book', () => 1, { compensate: () => void seen.push(`unbooked ${ctx.run.tags.when}`) });
        throw new Error('no');
      },
      { maxAttempts: 1 },
    );
    const engine = await startEngine({ workflows: [order], worker: { interceptors: [hanging], cancelGraceMs: 50 } });
    await rejection((await engine.client.run(order, undefined, { tags: { when: 'behind' } })).result());
    expect(seen).toEqual(['unbooked behind']);
    await engine.client.run(order, undefined, { tags: { when: 'before' } });
    await once(async () => engine.logs.matching('error', /is tried again: .*has not called next\(\) in time/).length > 0);
    expect(seen).toEqual(['unbooked behind']);
  });
});

describe('the function of a step', () => {
  it('passes interceptors at each execution and at no replay, in their context', async () => {
    const lines: string[] = [];
    const around: RunInterceptor = {
      step: ({ run, name, attempt }, next) => {
        lines.push(`${name} of ${run.workflow}, attempt ${attempt}`);
        return current.run(`inside ${name}`, next);
      },
    };
    const steps = workflow('steps', async (ctx: WorkflowContext) => {
      const place = await ctx.step.run('one', () => current.getStore());
      await ctx.step.waitFor('a-while', 1);
      const again = await ctx.step.run(
        'two',
        (step) => {
          if (step.attempt === 1) throw new Error('once more');
          return current.getStore();
        },
        { maxAttempts: 2, retries: { delay: 1 } },
      );
      return [place, again];
    });
    const engine = await startEngine({ workflows: [steps], worker: { interceptors: [around] } });
    expect(await (await engine.client.run(steps, undefined)).result()).toEqual(['inside one', 'inside two']);
    expect(lines).toEqual(['one of steps, attempt 1', 'two of steps, attempt 1', 'two of steps, attempt 2']);
  });

  it('stores what an interceptor returns in its place', async () => {
    const replacing: RunInterceptor = { step: async ({ name }, next) => (name === 'charge' ? 'not charged' : next()) };
    const shop = workflow('shop', async (ctx: WorkflowContext) => {
      const charged = await ctx.step.run('charge', () => void seen.push('charged'));
      return [charged, await ctx.step.run('ship', () => 'shipped')];
    });
    const engine = await startEngine({ workflows: [shop], worker: { interceptors: [replacing] } });
    expect(await (await engine.client.run(shop, undefined)).result()).toEqual(['not charged', 'shipped']);
    expect(seen).toEqual([]);
  });
});

describe('a call of the script', () => {
  it('does not wait for an interceptor that hangs', async () => {
    const hanging: RunInterceptor = { operation: () => new Promise(() => undefined) };
    const interceptors = [hanging];
    const engine = await startEngine({ workflows: [child], client: { interceptors }, worker: { interceptors } });
    await (await engine.client.run(child, undefined)).result();
  });

  it('passes interceptors with what it does, and is none the worse for what they throw', async () => {
    const calls = { client: new Set<string>(), worker: new Set<string>() };
    const counting: RunInterceptor = {
      operation: async ({ names, role }, next) => {
        for (const name of names) calls[role].add(name);
        if (names.includes('claim_runs')) throw new Error('before');
        await next();
        throw new Error('behind');
      },
    };
    const engine = await startEngine({
      workflows: [child],
      client: { interceptors: [counting] },
      worker: { interceptors: [counting] },
    });
    await (await engine.client.run(child, undefined)).result();
    expect(calls.client).toContain('create_run');
    expect(calls.worker).toContain('claim_runs');
    await once(async () => engine.logs.matching('warn', /`operation` failed: .*behind/).length > 0);
    expect(engine.logs.matching('warn', /`operation` failed: .*before/).length).toBeGreaterThan(0);
  });
});

describe('interceptors', () => {
  it.each([
    [{}, 'Expected `interceptors` to be an array; got an object'],
    [[null], 'Expected interceptor 0 to be an object; got null'],
    [[tracing, {}], 'Expected interceptor 1 to have at least one function of an interceptor'],
    [[{ pass: 1 }], 'Expected `pass` of interceptor 0 to be a function; got 1'],
  ])('are refused if they are none: %j', async (interceptors, message) => {
    await expect(startEngine({ client: { interceptors: interceptors as unknown as RunInterceptor[] } })).rejects.toThrow(message);
  });

  it('may be instances of classes', async () => {
    class Headers implements RunInterceptor {
      constructor(private readonly given: RunHeaders) {}
      create: RunInterceptor['create'] = (call, next) => {
        Object.assign(call.headers, this.given);
        return next();
      };
      async pass({ headers }: PassCall, next: () => Promise<unknown>) {
        await next();
        return { sent: headers, mine: this.given };
      }
    }
    const interceptors = [new Headers({ tenant: 'acme' })];
    const engine = await startEngine({ workflows: [child], client: { interceptors }, worker: { interceptors } });
    const output = await (await engine.client.run(child, undefined)).result();
    expect(output).toEqual({ sent: { tenant: 'acme' }, mine: { tenant: 'acme' } });
  });
});
