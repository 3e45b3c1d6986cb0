import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  getRedflowClientToken,
  InvalidOptionError,
  NonRetriableError,
  OnCron,
  RedflowClient,
  type RedflowError,
  RedflowModule,
  RedflowSetupError,
  Step,
  type StepContext,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { REDFLOW_RESOLVED_OPTIONS } from '../../../lib/redflow.constants.js';
import {
  RedflowTestBed,
  RedflowTestingModule,
  type RedflowTestingModuleOptions,
  type RedflowTestingOptions,
  TestBedBusyError,
} from '../../../lib/testing/index.js';
import { sharedRedis } from '../../../lib/testing/redis-server/shared-redis.js';
import { eventually } from '../../support/eventually.js';
import { keysUnder } from '../../support/namespace.js';
import { ownPasses } from '../../support/passes.js';
import { spawnWorker } from '../../support/spawn-worker.js';
import { redisUrl, silentLogger } from '../fixtures.js';

const DAY_MS = 86_400_000;

const open: TestingModule[] = [];

// The test run's server stands for REDIS_URL; what starts one by itself is tested in a process of its own.
async function boot(metadata: ModuleMetadata, options: RedflowTestingModuleOptions = {}): Promise<App> {
  const redflow = RedflowTestingModule.forRoot({ url: redisUrl(), logger: silentLogger, ...options });
  return init({ ...metadata, imports: [redflow, ...(metadata.imports ?? [])] });
}

async function init(metadata: ModuleMetadata): Promise<App> {
  const module = await Test.createTestingModule(metadata).compile();
  open.push(module);
  await module.init();
  return { module, client: module.get(RedflowClient), bed: module.get(RedflowTestBed) };
}

interface App {
  module: TestingModule;
  client: RedflowClient;
  bed: RedflowTestBed;
}

afterEach(async () => {
  for (const module of open.splice(0)) await module.close();
});

/** A gate that step functions wait at and a test opens. */
function gate(): { reached: Promise<void>; reach(): void; opened: Promise<void>; open(): void } {
  let reach = () => {};
  let open = () => {};
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { reached, reach, opened, open };
}

@Workflow('reminder')
class ReminderWorkflow {
  async run(ctx: WorkflowContext<void>): Promise<string> {
    for (const day of ['first', 'second', 'third']) await ctx.step.waitFor(day, '1d');
    return 'reminded';
  }
}

@Workflow('approval')
class ApprovalWorkflow {
  async run(ctx: WorkflowContext<{ id: string }>): Promise<string> {
    const { id } = ctx.input;
    const event = await ctx.step.waitForEvent<{ by: string }>('approved', {
      event: 'approved',
      correlationKey: id,
      timeout: '2d',
    });
    return event === null ? 'too late' : `by ${event.data.by}`;
  }
}

let door = gate();
const calls: string[] = [];

@Injectable()
class Payments {
  @Step()
  async reserve(): Promise<string> {
    calls.push('reserve');
    return 'r1';
  }

  @Step()
  async charge(): Promise<string> {
    calls.push('charge');
    door.reach();
    await door.opened;
    return `c${calls.length}`;
  }
}

@Workflow('payment')
class PaymentWorkflow {
  constructor(private readonly payments: Payments) {}

  async run(_ctx: WorkflowContext<void>): Promise<string> {
    return `${await this.payments.reserve()} ${await this.payments.charge()}`;
  }
}

/** Ends with the test. */
const never = (signal: AbortSignal) => new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('')));

@Workflow('race')
class RaceWorkflow {
  async run(ctx: WorkflowContext<void>): Promise<string> {
    return Promise.race([
      ctx.step.run('slow', ({ signal }) => never(signal)),
      ctx.step.waitFor('limit', '1h').then(() => 'limit'),
    ]);
  }
}

@Workflow({ name: 'hung', timeout: '2h' })
class HungWorkflow {
  async run(ctx: WorkflowContext<void>): Promise<void> {
    await ctx.step.run('hang', ({ signal }) => never(signal));
  }
}

@Workflow('digest')
@OnCron('0 9 * * *', { timezone: 'UTC' })
class DigestWorkflow {
  async run(ctx: WorkflowContext<void>): Promise<number> {
    return ctx.schedule?.instant ?? 0;
  }
}

describe('RedflowTestBed', () => {
  describe('advance()', () => {
    it('finishes a run that sleeps for three days in all', async () => {
      const { client, bed } = await boot({ providers: [ReminderWorkflow] });
      const handle = await client.run(ReminderWorkflow, undefined);
      const before = await bed.now();
      await bed.advance('3d');
      expect(await handle.getState()).toMatchObject({ status: 'succeeded', output: 'reminded' });
      expect((await bed.now()) - before).toBeGreaterThanOrEqual(3 * DAY_MS);
    });

    it('leaves a run parked whose time has not come', async () => {
      const { client, bed } = await boot({ providers: [ReminderWorkflow] });
      const handle = await client.run(ReminderWorkflow, undefined);
      await bed.advance(3 * DAY_MS - 3_600_000);
      expect(await handle.getState()).toMatchObject({ status: 'waiting' });
      await bed.advance('1h');
      expect(await handle.getState()).toMatchObject({ status: 'succeeded' });
    });

    it('lets the timeout of a wait for an event pass', async () => {
      const { client, bed } = await boot({ providers: [ApprovalWorkflow] });
      const [late, early] = await client.runMany(ApprovalWorkflow, [{ input: { id: 'a' } }, { input: { id: 'b' } }]);
      await bed.advance('1d');
      await client.emitEvent('approved', { by: 'me' }, { correlationKey: 'b' });
      await bed.advance('1d');
      expect(await late.getState()).toMatchObject({ status: 'succeeded', output: 'too late' });
      expect(await early.getState()).toMatchObject({ status: 'succeeded', output: 'by me' });
    });

    it('lets every tick of a schedule fire at its instant', async () => {
      const { client, bed } = await boot({ providers: [DigestWorkflow] });
      const before = await bed.now();
      await bed.advance('7d');
      const { items } = await client.listRuns({ workflow: 'digest', sort: 'asc' });
      const first = Math.ceil((before - 9 * 3_600_000) / DAY_MS) * DAY_MS + 9 * 3_600_000;
      expect(items.map(({ status, output }) => [status, output])).toEqual(
        Array.from({ length: 7 }, (_, day) => ['succeeded', first + day * DAY_MS]),
      );
      // Each was created when it was due, not all at the end.
      for (const { createdAt, scheduledFor } of items) expect(Number(createdAt) - Number(scheduledFor)).toBeLessThan(60_000);
    });

    it('stops at no more than 1,000 ticks, and still at every run that sleeps', async () => {
      @Workflow('tick')
      @OnCron('* * * * *')
      class TickWorkflow {
        async run(_ctx: WorkflowContext<void>): Promise<void> {}
      }
      const { client, bed } = await boot({ providers: [TickWorkflow, ReminderWorkflow] });
      const handle = await client.run(ReminderWorkflow, undefined);
      await bed.advance('3d');
      expect(await handle.getState()).toMatchObject({ status: 'succeeded' });
      const { runs } = await client.getStats();
      // Three days have 4,320 minutes.
      expect(runs.succeeded).toBeGreaterThanOrEqual(1_001);
      expect(runs.succeeded).toBeLessThan(1_100);
    });

    it('ends what is due in runs that are executed beside it', async () => {
      const { client, bed } = await boot({ providers: [RaceWorkflow, HungWorkflow] });
      const race = await client.run(RaceWorkflow, undefined);
      const hung = await client.run(HungWorkflow, undefined);
      await eventually(async () => {
        const waits = (await client.getRunSteps(race.id)).filter(({ status }) => status === 'waiting');
        const { status } = await hung.getState();
        if (waits.length === 0 || status !== 'running') throw new Error(`${waits.length} waits, ${status}`);
      }, 'both runs are executed');
      await bed.advance('2h', { beside: [race.id, hung.id] });
      expect(await race.result()).toBe('limit');
      await expect(hung.result()).rejects.toMatchObject({ cause: { code: 'RUN_TIMEOUT' } });
    });

    it('moves only the clock where there is no worker', async () => {
      const { client, bed } = await boot({ providers: [ReminderWorkflow] }, { worker: false });
      const handle = await client.run(ReminderWorkflow, undefined, { runAt: '1h' });
      const before = await bed.now();
      await bed.advance('2h');
      expect((await bed.now()) - before).toBeGreaterThanOrEqual(7_200_000);
      expect(await handle.getState()).toMatchObject({ status: 'scheduled' });
    });

    it.each([0, -1, 'soon', Number.NaN])('refuses %p', async (duration) => {
      const { bed } = await boot({});
      await expect(bed.advance(duration as number)).rejects.toBeInstanceOf(InvalidOptionError);
    });
  });

  describe('drain()', () => {
    it('resolves when nothing is queued or running, and leaves what is parked', async () => {
      const { client, bed } = await boot({ providers: [ReminderWorkflow, Payments, PaymentWorkflow] });
      door = gate();
      door.open();
      const handles = await client.runMany(PaymentWorkflow, [{ input: undefined }, { input: undefined }]);
      const parked = await client.run(ReminderWorkflow, undefined);
      const delayed = await client.run(ReminderWorkflow, undefined, { runAt: '1h' });
      await bed.drain();
      for (const handle of handles) expect(await handle.getState()).toMatchObject({ status: 'succeeded' });
      expect(await parked.getState()).toMatchObject({ status: 'waiting' });
      expect(await delayed.getState()).toMatchObject({ status: 'scheduled' });
    });

    it('leaves runs that are blocked', async () => {
      @Workflow({ name: 'one-by-one', mutex: () => 'all' })
      class OneByOneWorkflow {
        async run(ctx: WorkflowContext<void>): Promise<void> {
          await ctx.step.waitFor('pause', '1d');
        }
      }
      const { client, bed } = await boot({ providers: [OneByOneWorkflow] });
      const [, second] = await client.runMany(OneByOneWorkflow, [{ input: undefined }, { input: undefined }]);
      await bed.drain();
      expect(await second.getState()).toMatchObject({ status: 'queued', blockedBy: 'mutex' });
      await bed.advance('2d');
      expect(await second.getState()).toMatchObject({ status: 'succeeded' });
    });

    it('names what is still busy when its time is over', async () => {
      const { client, bed } = await boot({ providers: [ReminderWorkflow, Payments, PaymentWorkflow] });
      door = gate();
      const handle = await client.run(PaymentWorkflow, undefined);
      await door.reached;
      await client.pauseQueue('mails');
      const paused = await client.run(ReminderWorkflow, undefined, { queue: 'mails' });
      const error = await bed.drain({ timeout: '200ms' }).catch((reason) => reason);
      door.open();
      expect(error).toBeInstanceOf(TestBedBusyError);
      expect(error.code).toBe('TEST_BED_BUSY');
      expect(error.busy).toEqual([
        { state: 'running', id: handle.id, workflow: 'payment', queue: 'default' },
        { state: 'paused', id: paused.id, workflow: 'reminder', queue: 'mails' },
      ]);
      expect(error.message).toBe(
        `Still busy after 200 ms:\n  - run "${handle.id}" of workflow "payment" is running; a step function that waits for the test, ` +
          `or never ends?\n  - run "${paused.id}" of workflow "reminder" is in queue "mails", which is paused`,
      );
    });

    it('names what no worker serves', async () => {
      const { client, bed } = await boot({ providers: [ReminderWorkflow] });
      await client.run(ReminderWorkflow, undefined, { queue: 'mails' });
      await bed.advance('1d');
      await expect(bed.drain({ timeout: 100 })).rejects.toThrow('is in queue "mails", which no worker serves');
    });
  });
});

describe('RedflowTestBed.crashWorker()', () => {
  it('repeats the step that was being executed, and none that had completed', async () => {
    door = gate();
    calls.length = 0;
    const { client, bed } = await boot({ providers: [Payments, PaymentWorkflow] });
    const handle = await client.run(PaymentWorkflow, undefined);
    await door.reached;
    const [before] = (await client.getStats()).workers;
    await bed.crashWorker();
    const after = (await client.getStats()).workers;
    expect(after).toHaveLength(1);
    expect(after[0].id).not.toBe(before.id);
    // The step function of the dead worker returns now as well, and is not heard.
    door.open();
    expect(await handle.result()).toBe('r1 c3');
    expect(calls).toEqual(['reserve', 'charge', 'charge']);
    expect(await handle.getState()).toMatchObject({ recoveries: 1 });
    expect(ownPasses(await client.getRunAttempts(handle.id)).map(({ outcome }) => outcome)).toEqual(['lost', 'succeeded']);
  });

  it('tells the functions of the dead worker by their signal, and drops what they return', async () => {
    const seen: string[] = [];
    let started = () => {};
    const reached = new Promise<void>((resolve) => (started = resolve));
    @Workflow('told')
    class ToldWorkflow {
      async run(ctx: WorkflowContext<void>): Promise<string> {
        return ctx.step.run('work', async ({ signal }) => {
          if (seen.length > 0) return 'second';
          seen.push('first');
          started();
          await never(signal);
          seen.push((signal.reason as RedflowError).code);
          return 'first';
        });
      }
    }
    const { client, bed } = await boot({ providers: [ToldWorkflow] });
    const handle = await client.run(ToldWorkflow, undefined);
    await reached;
    await bed.crashWorker();
    expect(await handle.result()).toBe('second');
    expect(seen).toEqual(['first', 'LEASE_LOST']);
  });

  it('leaves parked runs to the new worker, which follows the clock', async () => {
    const { client, bed } = await boot({ providers: [ReminderWorkflow, DigestWorkflow] });
    const handle = await client.run(ReminderWorkflow, undefined);
    await bed.advance('30h');
    await bed.crashWorker();
    await bed.crashWorker();
    await bed.advance('2d');
    expect(await handle.getState()).toMatchObject({ status: 'succeeded', recoveries: 0 });
    expect((await client.getStats()).runs.succeeded).toBeGreaterThanOrEqual(4);
  });

  it('needs a worker', async () => {
    const { bed } = await boot({ providers: [ReminderWorkflow] }, { worker: false });
    await expect(bed.crashWorker()).rejects.toBeInstanceOf(RedflowSetupError);
  });
});

describe('RedflowTestBed, overrides of steps', () => {
  it('puts values, errors and functions in place of steps', async () => {
    calls.length = 0;
    const stepOverrides = { 'Payments.reserve': 'r9', 'Payments.charge': ({ attempt }: StepContext) => `attempt ${attempt}` };
    const { client, bed } = await boot({ providers: [Payments, PaymentWorkflow] }, { stepOverrides });
    expect(await (await client.run(PaymentWorkflow, undefined)).result()).toBe('r9 attempt 1');
    bed.overrideStep('Payments.reserve', new NonRetriableError('sold out'));
    await expect((await client.run(PaymentWorkflow, undefined)).result()).rejects.toMatchObject({
      cause: { message: 'sold out' },
    });
    bed.overrideStep('Payments.charge', 'c9');
    bed.resetOverrides();
    expect(await (await client.run(PaymentWorkflow, undefined)).result()).toBe('r9 attempt 1');
    expect(calls).toEqual([]);
  });

  it('stores them: a replay finds the same', async () => {
    @Workflow('two-days')
    class TwoDaysWorkflow {
      constructor(private readonly payments: Payments) {}
      async run(ctx: WorkflowContext<void>): Promise<string> {
        const before = await this.payments.reserve();
        await ctx.step.waitFor('night', '1d');
        return `${before} ${await ctx.step.run('after', () => 'real')}`;
      }
    }
    const { client, bed } = await boot({ providers: [Payments, TwoDaysWorkflow] });
    bed.overrideStep('Payments.reserve', 'r9');
    const handle = await client.run(TwoDaysWorkflow, undefined);
    await bed.drain();
    bed.overrideStep('Payments.reserve', 'another');
    await bed.crashWorker();
    await bed.advance('1d');
    expect(await handle.result()).toBe('r9 real');
  });

  it('ends waits for events and for children at once', async () => {
    @Workflow('parent')
    class ParentWorkflow {
      async run(ctx: WorkflowContext<void>): Promise<unknown[]> {
        const event = await ctx.step.waitForEvent<{ by: string }>('approval', { event: 'approved', correlationKey: 'a' });
        return [event?.data.by, await ctx.step.runWorkflow('child', 'unheard-of', {})];
      }
    }
    const stepOverrides = { approval: { data: { by: 'me' } }, child: () => 'done' };
    const { client } = await boot({ providers: [ParentWorkflow] }, { stepOverrides });
    await expect((await client.run(ParentWorkflow, undefined)).result()).resolves.toEqual(['me', 'done']);
  });

  it('stands in place of compensations', async () => {
    const undone: string[] = [];
    @Workflow({ name: 'undo', maxAttempts: 1 })
    class UndoWorkflow {
      async run(ctx: WorkflowContext<void>): Promise<void> {
        await ctx.step.run('hotel', () => 'h1', { compensate: () => void undone.push('hotel') });
        await ctx.step.run('car', () => 'c1', { compensate: () => void undone.push('car') });
        throw new NonRetriableError('no flight');
      }
    }
    const { client, bed } = await boot({ providers: [UndoWorkflow] });
    bed.overrideStep('compensate:car', (output: string) => void undone.push(`test ${output}`));
    await expect((await client.run(UndoWorkflow, undefined)).result()).rejects.toThrow('no flight');
    expect(undone).toEqual(['test c1', 'hotel']);
  });
});

describe('RedflowTestingModule', () => {
  it('gives each application a namespace of its own, whose keys end with it', async () => {
    const first = await boot({ providers: [ReminderWorkflow] });
    const second = await boot({ providers: [ReminderWorkflow] });
    const handle = await first.client.run(ReminderWorkflow, undefined, { runId: 'same' });
    await second.client.run(ReminderWorkflow, undefined, { runId: 'same' });
    await first.bed.advance('3d');
    expect(await handle.getState()).toMatchObject({ status: 'succeeded' });
    expect(await second.client.getRun('same')).toMatchObject({ status: 'waiting' });
    expect((await second.bed.now()) - Date.now()).toBeLessThan(DAY_MS);
    const prefixes = open.map((module) => module.get(REDFLOW_RESOLVED_OPTIONS, { strict: false }).client.prefix);
    expect(new Set(prefixes).size).toBe(2);
    for (const module of open.splice(0)) await module.close();
    for (const prefix of prefixes) expect(await keysUnder(prefix)).toEqual([]);
  });

  it.each(['prefix', 'connection', 'waitReplicas'])('refuses the option %s', (name) => {
    expect(() => RedflowTestingModule.forRoot({ [name]: {} } as RedflowTestingModuleOptions)).toThrow(
      `RedflowTestingModule decides \`${name}\` by itself`,
    );
  });

  it('refuses options that RedflowModule refuses', async () => {
    const redflow = RedflowTestingModule.forRoot({ url: redisUrl(), wroker: false } as RedflowTestingModuleOptions);
    await expect(Test.createTestingModule({ imports: [redflow] }).compile()).rejects.toThrow('wroker');
  });

  it('refuses options that do not exist', async () => {
    const misspelt = { stepOverides: {}, timeOut: 1, besides: [] };
    expect(() => RedflowTestingModule.forApp(misspelt as RedflowTestingOptions)).toThrow('stepOverides');
    const { bed } = await boot({});
    await expect(bed.drain(misspelt as object)).rejects.toBeInstanceOf(InvalidOptionError);
    await expect(bed.advance('1h', misspelt as object)).rejects.toBeInstanceOf(InvalidOptionError);
  });

  it('can be closed before it was started, and twice', async () => {
    const redflow = RedflowTestingModule.forRoot({ url: redisUrl() });
    const module = await Test.createTestingModule({ imports: [redflow], providers: [ReminderWorkflow] }).compile();
    await module.close();
    await module.close();
    await expect(module.get(RedflowTestBed).now()).rejects.toThrow('has no connection');
  });

  it('takes over the connections of an application that imports RedflowModule by itself', async () => {
    @Workflow({ name: 'remote', connection: 'other' })
    class RemoteWorkflow {
      async run(ctx: WorkflowContext<void>): Promise<string> {
        await ctx.step.waitFor('night', '8h');
        return 'morning';
      }
    }
    const unreachable = 'redis://127.0.0.1:1';
    @Module({
      imports: [
        RedflowModule.forRoot({
          url: unreachable,
          prefix: 'production',
          logger: silentLogger,
          defaults: { tags: { team: 'a' } },
        }),
        RedflowModule.forRootAsync({ name: 'other', useFactory: () => ({ url: unreachable, logger: silentLogger }) }),
      ],
      providers: [ReminderWorkflow, RemoteWorkflow],
    })
    class AppModule {}
    const { module, client, bed } = await init({ imports: [RedflowTestingModule.forApp({ url: redisUrl() }), AppModule] });
    const local = await client.run(ReminderWorkflow, undefined);
    const remote = await module.get<RedflowClient>(getRedflowClientToken('other')).run(RemoteWorkflow, undefined);
    await bed.advance('3d');
    expect(await local.getState()).toMatchObject({ status: 'succeeded', tags: { team: 'a' } });
    expect(await remote.getState()).toMatchObject({ status: 'succeeded', output: 'morning' });
    expect(await client.getRun(remote.id)).toBeNull();
  });

  it('says so when there is no connection to take over', async () => {
    const module = await Test.createTestingModule({ imports: [RedflowTestingModule.forApp()] }).compile();
    open.push(module);
    await expect(module.get(RedflowTestBed).drain()).rejects.toBeInstanceOf(RedflowSetupError);
  });

  it('starts a Redis where there is none, and leaves nothing that keeps the process alive', async () => {
    const test = spawnWorker('test-bed.mjs', { env: { REDIS_URL: undefined } });
    expect(await test.exited).toEqual({ code: 0, signal: null });
    expect({ lines: test.lines, stderr: test.stderr }).toEqual({ lines: ['reminded'], stderr: '' });
  });
});

describe('sharedRedis', () => {
  const { REDIS_URL } = process.env;

  beforeEach(() => {
    delete process.env.REDIS_URL;
  });

  afterEach(() => {
    if (REDIS_URL !== undefined) process.env.REDIS_URL = REDIS_URL;
  });

  it('is one server for all who use it at the same time, and ends with the last', async () => {
    const [url, other] = await Promise.all([sharedRedis.acquire(), sharedRedis.acquire()]);
    expect(other).toBe(url);
    await sharedRedis.release();
    expect(await keysUnder('nothing', url)).toEqual([]);
    await sharedRedis.release();
    await expect(keysUnder('nothing', url)).rejects.toThrow();
    const later = await sharedRedis.acquire();
    expect(await keysUnder('nothing', later)).toEqual([]);
    await sharedRedis.release();
  });
});
