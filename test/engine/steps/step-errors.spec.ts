import { describe, expect, it } from '@jest/globals';
import {
  ChildWorkflowError,
  CodecError,
  createRegistry,
  defineWorkflow,
  type ErrorClass,
  type FailureContext,
  InvalidOptionError,
  NonRetriableError,
  RateLimitedError,
  RedflowClient,
  RunFailedError,
  type RunRecord,
  type StartWorkerOptions,
  type StepOptions,
  StepTimeoutError,
  startWorker,
  type WorkflowContext,
  type WorkflowDefinition,
  type WorkflowOptions,
} from '../../../lib/engine/index.js';
import { type Engine, gate, rejection, startEngine, workflow } from '../../support/engine.js';
import { testRedisUrl } from '../../support/namespace.js';
import { shapeOf } from '../../support/shape-of.js';

class DomainError extends Error {}

class PaymentDeclined extends DomainError {
  static made = 0;
  override name = 'PaymentDeclined';
  readonly reason: string;

  constructor(
    reason: string,
    readonly at = new Date(0),
  ) {
    super(`declined: ${reason.toUpperCase()}`);
    this.reason = reason;
    PaymentDeclined.made++;
  }

  get isFinal(): boolean {
    return this.reason === 'stolen';
  }
}

interface Options {
  step?: StepOptions;
  workflow?: WorkflowOptions;
  worker?: StartWorkerOptions;
}

/** What a handler catches of a step that throws, in the pass in which it does and in the one that replays it. */
async function caught(
  thrower: () => unknown,
  options: Options = {},
): Promise<{ seen: unknown[]; engine: Engine; run: RunRecord }> {
  const seen: unknown[] = [];
  const handler = async (ctx: WorkflowContext) => {
    await ctx.step.run('charge', thrower, options.step).catch((error: unknown) => seen.push(error));
    await ctx.step.waitFor('nap', '1h');
  };
  const flow = workflow('flow', handler, options.workflow);
  const engine = await startEngine({ workflows: [flow], worker: options.worker });
  const handle = await engine.client.run(flow, undefined);
  await engine.until(handle.id, 'waiting');
  await engine.advance(3_600_000);
  await handle.result();
  expect(seen.length).toBeGreaterThanOrEqual(2);
  return { seen, engine, run: await handle.getState() };
}

async function sameInEveryPass(thrower: () => unknown, options?: Options): Promise<Error> {
  const { seen } = await caught(thrower, options);
  const [first, ...replayed] = seen;
  for (const error of replayed) expect(shapeOf(error)).toEqual(shapeOf(first));
  return first as Error;
}

const throwing = (thrown: unknown) => () => {
  throw thrown;
};

describe('an error that comes out of a step', () => {
  it('has the fields of its JSON in the pass that throws it, too', async () => {
    const thrown = Object.assign(new TypeError('boom', { cause: new RangeError('inner') }), {
      at: new Date(0),
      list: [1, undefined],
      code: 'E_BOOM',
      gone: undefined,
    });
    const error = await sameInEveryPass(throwing(thrown));
    expect(error).not.toBe(thrown);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ at: '1970-01-01T00:00:00.000Z', list: [1, null], code: 'E_BOOM', stack: thrown.stack });
    expect('gone' in error).toBe(false);
    expect(error.cause).toBeInstanceOf(RangeError);
  });

  it.each([
    ['a string', 'plain'],
    ['undefined', undefined],
    ['an object', { reason: 'no', at: new Date(0) }],
    ['an object with a name', { name: 'PaymentDeclined', message: 'no' }],
    ['an AggregateError', new AggregateError([new TypeError('a'), new PaymentDeclined('lost'), 'b'], 'all')],
    ['a DOMException', new DOMException('too late', 'TimeoutError')],
    ['an error whose cause is a string', new Error('outer', { cause: 'inner' })],
    ['an error of a class that is not listed', new PaymentDeclined('lost')],
  ])('is the same in every pass: %s', async (_what, thrown) => {
    await sameInEveryPass(throwing(thrown), { workflow: { errors: [DomainError] } });
  });

  it('is the same in every pass with fields that do harm elsewhere', async () => {
    const thrown = Object.assign(new Error('odd'), { constructor: { name: 'Other' }, self: {}, prototype: 1 });
    Object.defineProperty(thrown, '__proto__', { value: { polluted: true }, enumerable: true });
    Object.defineProperty(thrown, 'getter', {
      enumerable: true,
      get() {
        throw new Error('no');
      },
    });
    thrown.self = thrown;
    const error = await sameInEveryPass(throwing(thrown));
    expect(error).toBeInstanceOf(Error);
    expect('polluted' in error).toBe(false);
    expect('getter' in error).toBe(false);
    expect(Object.getOwnPropertyDescriptor(error, 'constructor')?.value).toEqual({ name: 'Other' });
  });

  it('is one of ours in every pass', async () => {
    const late = await sameInEveryPass(() => new Promise(() => undefined), { step: { timeout: 5 } });
    expect(late).toBeInstanceOf(StepTimeoutError);
    expect(late).toMatchObject({ code: 'STEP_TIMEOUT', timeoutMs: 5 });
    class CardDeclined extends NonRetriableError {}
    const final = await sameInEveryPass(throwing(new CardDeclined('no')));
    expect(final).toBeInstanceOf(NonRetriableError);
    expect(final).not.toBeInstanceOf(CardDeclined);
  });

  it('loses its fields, then its stack, never its class where it is over the payload limit', async () => {
    const options = (maxPayloadBytes: number) => ({ worker: { maxPayloadBytes }, workflow: { errors: [PaymentDeclined] } });
    const thrown = Object.assign(new PaymentDeclined('lost'), { rows: 'r'.repeat(5_000) });
    const bare = await sameInEveryPass(throwing(thrown), options(4_000));
    expect(bare).toBeInstanceOf(PaymentDeclined);
    expect(bare).toMatchObject({ message: thrown.message, stack: thrown.stack });
    expect(Object.keys(bare)).toEqual([]);
    const least = await sameInEveryPass(throwing(thrown), options(100));
    expect(least).toBeInstanceOf(PaymentDeclined);
    expect(least.stack).toBe('PaymentDeclined: declined: LOST');
  });

  it('is the error of the codec in every pass where that fails', async () => {
    const codec = {
      encode: (json: string) => {
        if (json.includes('declined')) throw new Error('no key');
        return json;
      },
      decode: (stored: string | Uint8Array) => String(stored),
    };
    const error = await sameInEveryPass(throwing(new PaymentDeclined('lost')), { worker: { codec } });
    expect(error).toBeInstanceOf(CodecError);
  });

  it('is the same in every pass when a step could not start', async () => {
    const seen: unknown[] = [];
    const child = workflow('child', () => undefined, { rateLimit: { limit: 1, period: '1d' } });
    const flow = workflow('flow', async (ctx: WorkflowContext) => {
      await ctx.step.emitWorkflow('first', child, undefined);
      await ctx.step.emitWorkflow('second', child, undefined).catch((error: unknown) => seen.push(error));
      await ctx.step.waitFor('nap', '1h');
    });
    const engine = await startEngine({ workflows: [flow, child] });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.advance(3_600_000);
    await handle.result();
    expect(seen.length).toBeGreaterThanOrEqual(2);
    for (const error of seen) {
      expect(error).toBeInstanceOf(RateLimitedError);
      expect(shapeOf(error)).toEqual(shapeOf(seen[0]));
    }
  });
});

describe('a child that failed', () => {
  it.each<[string, (ctx: WorkflowContext, child: WorkflowDefinition) => Promise<unknown>]>([
    ['runWorkflow', ({ step }, workflow) => step.runWorkflow('child', workflow, undefined)],
    ['waitForAny', ({ step }, workflow) => step.waitForAny('child', { child: { workflow, input: undefined } })],
  ])('is thrown by %s as the same error in every pass, its stack included', async (_step, start) => {
    const seen: unknown[] = [];
    const child = workflow('child', throwing(new PaymentDeclined('lost')), { maxAttempts: 1 });
    const door = gate();
    const flow = workflow('flow', async (ctx: WorkflowContext) => {
      // Keeps the first pass from parking, so that it learns of the child's end while it goes on.
      const busy = ctx.step.run('busy', () => door.promise);
      await start(ctx, child).catch((error: unknown) => seen.push(error));
      door.open();
      await busy;
      await ctx.step.waitFor('nap', '1h');
    });
    const engine = await startEngine({ workflows: [flow, child], worker: { errors: [PaymentDeclined] } });
    const handle = await engine.client.run(flow, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.advance(3_600_000);
    await handle.result();
    expect(seen.length).toBeGreaterThanOrEqual(2);
    for (const error of seen) {
      expect(error).toBeInstanceOf(ChildWorkflowError);
      expect((error as Error).cause).toBeInstanceOf(PaymentDeclined);
      expect(shapeOf(error)).toEqual(shapeOf(seen[0]));
    }
  });
});

describe('errors', () => {
  it.each<[string, (errors: readonly ErrorClass[]) => Options]>([
    ['the worker', (errors) => ({ worker: { errors } })],
    ['the workflow', (errors) => ({ workflow: { errors } })],
    ['the step', (errors) => ({ step: { errors } })],
  ])('of %s rebuild their classes by prototype and fields, in every pass', async (_where, optionsOf) => {
    const made = PaymentDeclined.made;
    const error = await sameInEveryPass(
      () => {
        throw new PaymentDeclined('stolen');
      },
      optionsOf([PaymentDeclined]),
    );
    expect(PaymentDeclined.made).toBe(made + 1);
    expect(error).toBeInstanceOf(PaymentDeclined);
    expect(error).toMatchObject({ at: '1970-01-01T00:00:00.000Z', message: 'declined: STOLEN' });
    expect((error as PaymentDeclined).isFinal).toBe(true);
  });

  it('rebuild the nearest listed class that one extends, and causes and aggregated errors as well', async () => {
    const thrown = new AggregateError([new PaymentDeclined('a')], 'all', { cause: new PaymentDeclined('b') });
    const error = (await sameInEveryPass(throwing(thrown), { workflow: { errors: [DomainError] } })) as AggregateError;
    for (const inner of [error.errors[0], error.cause]) {
      expect(inner).toBeInstanceOf(DomainError);
      expect(inner).not.toBeInstanceOf(PaymentDeclined);
      expect(inner).toMatchObject({ name: 'PaymentDeclined' });
    }
  });

  it('are known by the name of the class, not by that of the error', async () => {
    class Unnamed extends RangeError {}
    const listed = { workflow: { errors: [Unnamed] } };
    expect(await sameInEveryPass(throwing(new Unnamed('x')), listed)).toBeInstanceOf(Unnamed);
    const posing = Object.assign(new Error('x'), { name: 'Unnamed' });
    expect(await sameInEveryPass(throwing(posing), listed)).not.toBeInstanceOf(Unnamed);
  });

  it('apply to a child that failed, to the retry policy of the run, to onFailure, to compensations and to result()', async () => {
    const seen: Record<string, unknown> = {};
    const errors = [PaymentDeclined];
    const child = workflow('child', throwing(new PaymentDeclined('lost')), { maxAttempts: 1 });
    const policy =
      (place: string) =>
      ({ error }: { error: Error }) => {
        seen[place] = error;
        return true;
      };
    const flow = defineWorkflow('flow', {
      registry: createRegistry(),
      errors,
      retries: { maxAttempts: 2, delay: 0, shouldRetry: policy('shouldRetry') },
      onFailure: ({ error }: FailureContext) => {
        seen.onFailure = error;
      },
      handler: async (ctx: WorkflowContext) => {
        await ctx.step.run('reserve', () => 1, {
          compensate: (_output, { error }) => {
            seen.compensate = error;
          },
        });
        const error = await rejection(ctx.step.runWorkflow('child', child, undefined));
        expect(error).toBeInstanceOf(ChildWorkflowError);
        seen.child = error.cause;
        throw error.cause;
      },
    });
    const engine = await startEngine({ workflows: [flow, child], client: { errors } });
    const handle = await engine.client.run(flow, undefined);
    seen.result = await engine.failure(handle);
    await engine.hookEnded(handle.id);
    for (const place of ['child', 'shouldRetry', 'compensate', 'onFailure', 'result']) {
      expect([place, seen[place] instanceof PaymentDeclined]).toEqual([place, true]);
    }
  });

  it('need not be known to the services that an error passes through', async () => {
    const child = workflow('child', throwing(new PaymentDeclined('lost')), { maxAttempts: 1 });
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.runWorkflow('child', child, undefined), { maxAttempts: 1 });
    const engine = await startEngine({ workflows: [flow, child] });
    const handle = await engine.client.run(flow, undefined);
    const failed = await rejection(
      engine
        .anotherClient({ errors: [PaymentDeclined] })
        .getHandle(handle.id)
        .result(),
    );
    expect(failed).toBeInstanceOf(RunFailedError);
    expect((failed.cause as Error).cause).toBeInstanceOf(PaymentDeclined);
    expect((await handle.getState()).error?.cause).toMatchObject({ classNames: ['PaymentDeclined', 'DomainError'] });
  });

  it('rebuild what result() rejects with for a client that knows the workflow', async () => {
    const registry = createRegistry();
    const handler = throwing(new PaymentDeclined('lost'));
    const flow = defineWorkflow('flow', { registry, handler, maxAttempts: 1, errors: [PaymentDeclined] });
    const engine = await startEngine({ registry });
    const client = new RedflowClient({ url: testRedisUrl(), prefix: engine.prefix }, { registry });
    try {
      expect((await rejection((await client.run(flow, undefined)).result())).cause).toBeInstanceOf(PaymentDeclined);
    } finally {
      await client.close();
    }
  });
});

describe('the retry policies', () => {
  it('of a step see the error as thrown, those of the run as it is stored', async () => {
    const thrown = new PaymentDeclined('lost');
    const seen: Record<string, Error> = {};
    const noting =
      (place: string) =>
      ({ error }: { error: Error }) => {
        seen[place] = error;
        return true;
      };
    const delayNoting =
      (place: string) =>
      ({ error }: { error: Error }) => {
        seen[place] = error;
        return 0;
      };
    const step = { retries: { maxAttempts: 2, delay: delayNoting('step delay'), shouldRetry: noting('step') } };
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.run('charge', throwing(thrown), step), {
      retries: { maxAttempts: 2, delay: delayNoting('run delay'), shouldRetry: noting('run') },
    });
    const engine = await startEngine({ workflows: [flow] });
    await rejection((await engine.client.run(flow, undefined)).result());
    expect(seen.step).toBe(thrown);
    expect(seen['step delay']).toBe(thrown);
    for (const place of ['run', 'run delay']) {
      expect(seen[place]).not.toBe(thrown);
      expect(seen[place]).toMatchObject({ name: 'PaymentDeclined', at: '1970-01-01T00:00:00.000Z' });
    }
  });

  it('of the run see what a handler throws by itself as it is stored', async () => {
    const thrown = new PaymentDeclined('lost');
    let seen: unknown;
    const shouldRetry = ({ error }: { error: Error }) => {
      seen = error;
      return false;
    };
    const flow = workflow('flow', throwing(thrown), { retries: { shouldRetry }, errors: [PaymentDeclined] });
    const engine = await startEngine({ workflows: [flow] });
    await rejection((await engine.client.run(flow, undefined)).result());
    expect(seen).not.toBe(thrown);
    expect(seen).toBeInstanceOf(PaymentDeclined);
  });
});

describe('a list of error classes', () => {
  const other = { PaymentDeclined: class PaymentDeclined extends Error {} };
  const listing = (name: string, errors?: readonly ErrorClass[]) => workflow(name, () => undefined, { errors });

  it('refuses the start of a worker where two classes have one name, naming both places', async () => {
    const workflows = [listing('order', [PaymentDeclined]), listing('refund', [other.PaymentDeclined])];
    const error = await rejection(startWorker({ workflows }));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option: 'errors' });
    expect(error.message).toBe(
      'Two error classes named "PaymentDeclined" are listed by workflow "order" and by workflow "refund". Errors are stored by the name ' +
        'of their class: rename one of them, or list the same class in both places',
    );
    const withWorker = await rejection(
      startWorker({ workflows: [listing('order', [PaymentDeclined])], errors: [other.PaymentDeclined] }),
    );
    expect(withWorker.message).toContain('listed by the options of the client or worker and by workflow "order"');
    const versions = [
      workflow('order', () => undefined, { version: '1', errors: [PaymentDeclined] }),
      workflow('order', () => undefined, { version: '2', current: true, errors: [other.PaymentDeclined] }),
    ];
    expect((await rejection(startWorker({ workflows: versions }))).message).toContain(
      'listed by workflow "order" (version "1") and by workflow "order" (version "2")',
    );
  });

  it('may name a class in several places', async () => {
    const workflows = [listing('order', [PaymentDeclined]), listing('refund', [PaymentDeclined, PaymentDeclined])];
    await expect(startEngine({ workflows, worker: { errors: [PaymentDeclined] } })).resolves.toBeDefined();
  });

  it.each<[string, unknown, RegExp]>([
    [
      'something else',
      'PaymentDeclined',
      /^Expected `errors` to be a list of error classes, .*; got 'PaymentDeclined' \(workflow "flow"\)/,
    ],
    ['a class of something else', [Map], /^Expected `errors` to list classes that extend Error; got a function/],
    ['an instance', [new Error('x')], /^Expected `errors` to list classes that extend Error; got an object/],
    ['a class without a name', [(() => class extends Error {})()], /got a class without one/],
    [
      'a class named as a built-in one',
      [Object.defineProperty(class extends Error {}, 'name', { value: 'TypeError' })],
      /^Error class "TypeError" in `errors` has the name of a built-in/,
    ],
    [
      'two classes of one name',
      [PaymentDeclined, other.PaymentDeclined],
      /^Two error classes named "PaymentDeclined" are listed twice by workflow "flow"/,
    ],
  ])('is refused if it is %s', (_what, errors, message) => {
    expect(() => listing('flow', errors as readonly ErrorClass[])).toThrow(InvalidOptionError);
    expect(() => listing('flow', errors as readonly ErrorClass[])).toThrow(message);
  });

  it('of a step is checked when the step is called', async () => {
    const { seen } = await caught(() => 1, {
      step: { errors: [other.PaymentDeclined] },
      workflow: { errors: [PaymentDeclined] },
    });
    expect(seen[0]).toBeInstanceOf(InvalidOptionError);
    expect((seen[0] as Error).message).toContain('are listed by workflow "flow" and by step "charge"');
  });
});
