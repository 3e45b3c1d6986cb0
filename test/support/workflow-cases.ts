import { methodStepsOf } from '../../lib/engine/framework.js';
import {
  createRegistry,
  defineWorkflow,
  type FailureHook,
  type Handler,
  NonRetriableError,
  RetryAfterError,
  type StepContext,
  type WorkflowDefinition,
  type WorkflowOptions,
} from '../../lib/engine/index.js';

/** A workflow that two engines, or two executions, are to agree on. */
export interface Case {
  readonly handler: Handler<unknown, unknown>;
  readonly options?: WorkflowOptions & { onFailure?: FailureHook<unknown> };
  readonly input?: unknown;
  /** Other workflows, served as well. */
  readonly others?: readonly WorkflowDefinition[];
}

const FAST = { delay: 1 };

const child = defineWorkflow('child', {
  registry: createRegistry(),
  handler: async (ctx) => {
    await ctx.step.waitFor('a moment', 5);
    if (ctx.input === 'fail') throw new NonRetriableError('the child gave up');
    return ctx.step.run('double', () => Number(ctx.input) * 2);
  },
});

/** Fails as often as it is told to, on each of the two engines. */
function failing(times: number, error: () => unknown): (attempt: number) => void {
  return (attempt) => {
    if (attempt <= times) throw error();
  };
}

/** Workflows that use all there is, and end in every way, by what they show. */
export const CASES: Record<string, Case> = {
  'values take the JSON round trip': {
    input: { at: new Date(0), none: undefined },
    handler: async (ctx) => {
      const stored = await ctx.step.run('store', () => ({ at: new Date(1), list: [1, undefined], zero: -0 }));
      const none = await ctx.step.run('none', () => undefined);
      return { input: ctx.input, stored, isNone: none === undefined };
    },
  },
  'a sleep and the steps around it': {
    handler: async (ctx) => {
      const before = await ctx.step.run('before', () => 1);
      await ctx.step.waitFor('sleep', 20);
      await ctx.step.waitFor('no time at all', 0);
      return before + (await ctx.step.run('after', () => 2));
    },
  },
  'a run that is retried until it succeeds': {
    options: { retries: FAST },
    handler: async (ctx) => {
      const first = await ctx.step.run('once', ({ attempt }) => `attempt ${attempt}`);
      const check = failing(2, () => new Error('not yet'));
      return ctx.step.run('flaky', ({ attempt }) => {
        check(attempt);
        return `${first}, then ${attempt} in attempt ${ctx.run.attempt}`;
      });
    },
  },
  'a run that fails for good, with a cause and fields': {
    options: { retries: { ...FAST, maxAttempts: 2 } },
    handler: async (ctx) => {
      await ctx.step.run('fail', () => {
        throw Object.assign(new TypeError('broken', { cause: new Error('below') }), { code: 'E_BROKEN', detail: { n: 1 } });
      });
    },
  },
  'a step that is retried by its own policy, and one that asks for a delay': {
    handler: async (ctx) => {
      const own = await ctx.step.run(
        'own policy',
        ({ attempt }) => {
          failing(2, () => new Error('again'))(attempt);
          return attempt;
        },
        { retries: { maxAttempts: 3, delay: 1 } },
      );
      const asked = await ctx.step.run('asked', ({ attempt }) => {
        failing(1, () => new RetryAfterError(1))(attempt);
        return attempt;
      });
      return { own, asked };
    },
  },
  'a failure that the handler catches': {
    options: { retries: FAST },
    handler: async (ctx) => {
      const caught = await ctx.step
        .run('caught', () => {
          throw new RangeError('out of stock');
        })
        .catch((error: Error) => `${error.name}: ${error.message}`);
      await ctx.step.waitFor('replay', 1);
      return ctx.step.run('goes on', () => caught);
    },
  },
  'a value that cannot be stored': {
    handler: async (ctx) => {
      await ctx.step.run('big', () => ({ deep: [10n] }) as never);
    },
  },
  'a name used twice': {
    handler: async (ctx) => {
      await ctx.step.run('twice', () => 1);
      await ctx.step.run('twice', () => 2);
    },
  },
  'calls of a method, numbered': {
    handler: async (ctx) => {
      const { runMethod } = methodStepsOf(ctx);
      const call = (to: string) =>
        runMethod('Mail.send', [to], ({ attempt }) => `${to} ${attempt}`, { compensate: () => undefined });
      const all = await Promise.all([call('a'), call('b')]);
      const nested = await ctx.step.run('outer', () => call('c'));
      await ctx.step.waitFor('pause', 1);
      throw new NonRetriableError([...all, nested, await call('d')].join());
    },
  },
  'a wait inside a step': {
    handler: async (ctx) => {
      await ctx.step.run('outer', () => ctx.step.waitFor('inner', 1));
    },
  },
  'a step that takes too long': {
    options: { maxAttempts: 1 },
    handler: async (ctx) => {
      await ctx.step.run('hangs', () => new Promise(() => undefined), { timeout: 10 });
    },
  },
  'a run that sleeps past its deadline': {
    options: { timeout: 500 },
    handler: async (ctx) => {
      await ctx.step.run('first', () => 1);
      await ctx.step.waitFor('too long', 60_000);
    },
  },
  'a race of a sleep and a step': {
    handler: (ctx) => Promise.race([ctx.step.waitFor('late', 60_000).then(() => 'sleep'), ctx.step.run('work', () => 'step')]),
  },
  'steps side by side, one of which fails': {
    options: { maxAttempts: 1 },
    handler: (ctx) =>
      Promise.allSettled([
        ctx.step.run('a', () => 1),
        ctx.step.run('b', () => {
          throw new Error('b failed');
        }),
        ctx.step.waitFor('c', 1),
      ]).then((all) => all.map(({ status }) => status)),
  },
  'waits for events that nobody emits': {
    handler: async (ctx) => {
      const event = await ctx.step.waitForEvent('event', { event: 'never', correlationKey: 'k', timeout: 5 });
      const any = await ctx.step.waitForAny('any', {
        event: { event: 'never', correlationKey: 'k' },
        late: { for: 60_000 },
        soon: { for: 5 },
      });
      return { event, any };
    },
  },
  'children, one of which fails': {
    others: [child],
    handler: async (ctx) => {
      const four = await ctx.step.runWorkflow('ok', child, 2);
      const error = await ctx.step
        .runWorkflow('fails', child, 'fail')
        .catch((error: Error) => ({ name: error.name, cause: (error.cause as Error).message }));
      return { four, error };
    },
  },
  'a child that comes first of several': {
    others: [child],
    handler: (ctx) =>
      ctx.step.waitForAny('first', { child: { workflow: child, input: 4 }, late: { for: 60_000 } }) as Promise<unknown>,
  },
  'a failing child fails its parent': {
    others: [child],
    options: { maxAttempts: 1 },
    handler: (ctx) => ctx.step.runWorkflow('fails', child, 'fail'),
  },
  'compensations, the last step first, and one that fails': {
    options: { maxAttempts: 2, retries: FAST },
    handler: async (ctx) => {
      await ctx.step.run('kept', () => 0, { compensate: () => 0 });
      await ctx.commit();
      await ctx.step.run('a', () => 'A', { compensate: () => 'undone' });
      const compensate = () => {
        throw new NonRetriableError('cannot be undone');
      };
      await ctx.step.run('b', () => 'B', { compensate });
      throw new Error('after all');
    },
  },
  'steps that are undone though nobody knows what they did, and one that nobody undoes': {
    options: { maxAttempts: 1 },
    handler: async (ctx) => {
      const hang = ({ signal }: StepContext) =>
        new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      const run = () => 'undone';
      await ctx.step.run('a', () => 'A', { compensate: run });
      await ctx.commit();
      await ctx.step.run('asked', hang, { timeout: 10, compensate: { run, unknown: 'report' } }).catch(() => 0);
      await ctx.step.run('b', () => 'B', { compensate: run });
      const declined = () => {
        throw new Error('declined');
      };
      await ctx.step.run('declined', declined, { compensate: run }).catch(() => 0);
      await ctx.step.run('hangs', hang, { timeout: 10, compensate: run });
    },
  },
  'a step that throws, with nothing to undo': {
    options: { maxAttempts: 1 },
    handler: async (ctx) => {
      const declined = () => {
        throw new Error('declined');
      };
      await ctx.step.run('declined', declined, { compensate: () => 0 });
    },
  },
  'a failure hook': {
    options: { maxAttempts: 1, onFailure: ({ step }) => step.run('tell', () => 1) },
    handler: async () => {
      throw 'only text';
    },
  },
  'an event emitted to nobody': {
    handler: (ctx) => ctx.step.emitEvent('emit', 'order.placed', { id: 1 }),
  },
};
