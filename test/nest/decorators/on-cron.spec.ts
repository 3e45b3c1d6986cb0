import { describe, expect, it } from '@jest/globals';
import { Controller, Injectable } from '@nestjs/common';
import { OnCron, OnEvent, Workflow, type WorkflowContext } from '../../../lib/index.js';
import { bootError, definitionsOf, withApp } from '../fixtures.js';

@OnCron('0 6 * * *', { id: 'morning', timezone: 'Europe/Berlin', input: { region: 'eu' }, misfire: 'skip' })
@Workflow('report')
@OnCron('0 18 * * *')
class ReportWorkflow {
  async run(ctx: WorkflowContext<{ region: string }>): Promise<string> {
    return ctx.input.region;
  }
}

@Injectable()
class Cleaner {
  @OnCron('*/5 * * * *', { queue: 'slow', timezone: 'UTC', input: { days: 30 } })
  @OnCron('0 0 1 * *', { id: 'monthly', maxAttempts: 2, input: { days: 90 } })
  @OnEvent('disk.full', { name: 'clean', if: undefined })
  async clean(input: { days: number }, ctx: WorkflowContext<{ days: number }>): Promise<unknown> {
    return { days: input.days, queue: ctx.run.queue, scheduled: ctx.schedule !== undefined };
  }
}

describe('@OnCron()', () => {
  it('adds schedules to a workflow class, in the order in which they are written', async () => {
    const definitions = await definitionsOf({ providers: [ReportWorkflow] });
    expect(definitions.get('report')?.options).toEqual({
      cron: [
        { expression: '0 6 * * *', id: 'morning', timezone: 'Europe/Berlin', input: { region: 'eu' }, misfire: 'skip' },
        { expression: '0 18 * * *' },
      ],
    });
  });

  it('makes a method a workflow, together with @OnEvent()', async () => {
    const definitions = await definitionsOf({ providers: [Cleaner] });
    expect([...definitions.keys()]).toEqual(['clean']);
    expect(definitions.get('clean')?.options).toEqual({
      queue: 'slow',
      maxAttempts: 2,
      event: [{ name: 'disk.full' }],
      cron: [
        { expression: '*/5 * * * *', timezone: 'UTC', input: { days: 30 } },
        { expression: '0 0 1 * *', id: 'monthly', input: { days: 90 } },
      ],
    });
  });

  it('calls the method with (input, ctx)', async () => {
    await withApp({ providers: [Cleaner] }, async ({ client }) => {
      const handle = await client.runByName('clean', { days: 7 });
      expect(await handle.result()).toEqual({ days: 7, queue: 'slow', scheduled: false });
    });
  });

  it('can be emptied by configuration', async () => {
    const redflow = { workflows: { clean: { cron: [] } } };
    const definitions = await definitionsOf({ providers: [Cleaner] }, { redflow });
    expect(definitions.get('clean')?.options).toMatchObject({ cron: [], event: [{ name: 'disk.full' }] });
  });

  it('lists the options of the trigger when one of a method is unknown', async () => {
    class Misspelt {
      tick(): void {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(Misspelt.prototype, 'tick') as TypedPropertyDescriptor<() => void>;
    const options: object = { timezon: 'UTC' };
    OnCron('* * * * *', options)(Misspelt.prototype, 'tick', descriptor);
    expect((await bootError({ providers: [Misspelt] })).message).toBe(
      '@OnCron("* * * * *") on method "Misspelt.tick" (module "RootTestModule") has the unsupported option "timezon". Did you mean ' +
        '"timezone"? Supported options are: id, timezone, input, misfire, name, connection, queue, maxAttempts, retries, timeout, ' +
        'onFailureTimeout, determinism, determinismGrace, maxConcurrency, mutex, throttle, rateLimit, debounce, priority, version, current, errors, tags.',
    );
  });

  it('is refused on a controller', async () => {
    @Controller()
    class TickController {
      @OnCron('* * * * *')
      tick(): void {}
    }
    const error = await bootError({ controllers: [TickController] });
    expect(error.message).toMatch(/^@OnCron\("\* \* \* \* \*"\) is on method "TickController\.tick", a controller's\./);
  });
});
