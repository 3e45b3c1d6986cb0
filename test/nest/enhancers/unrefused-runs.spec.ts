import { describe, expect, it } from '@jest/globals';
import {
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { IsInt, IsString } from 'class-validator';
import { map, type Observable, of } from 'rxjs';
import { type LoggerPort, OnEvent, type RedflowModuleOptions, Step, Workflow, type WorkflowContext } from '../../../lib/index.js';
import { RecordingLogger } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { perPass } from '../../support/passes.js';
import { type App, connection, withApp } from '../fixtures.js';

class Order {
  @IsString()
  id!: string;

  get label(): string {
    return `order ${this.id}`;
  }
}

class OrderWithCurrency {
  @IsString()
  id!: string;

  @IsString()
  currency!: string;

  get label(): string {
    return `order ${this.id} in ${this.currency}`;
  }
}

/** What stands before the handler: lets everybody in, until it is closed. */
class Door implements CanActivate, NestInterceptor, PipeTransform {
  isOpen = true;
  asked = 0;

  canActivate(): boolean {
    this.asked++;
    return this.isOpen;
  }

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (!this.isOpen) throw new Error('closed');
    return next.handle().pipe(map((value) => `${value}!`));
  }

  transform(value: unknown): unknown {
    if (!this.isOpen) throw new Error('closed');
    return value;
  }
}

/** Answers in place of the handler once it is closed. */
class Cache implements NestInterceptor {
  constructor(private readonly door: Door) {}

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return this.door.isOpen ? next.handle() : of('cached');
  }
}

const untilWaiting = (client: App['client'], id: string) =>
  eventually(async () => {
    const run = await client.getRun(id);
    if (run?.status !== 'waiting') throw new Error(`the run is ${run?.status}`);
  }, `run ${id} waits`);

/** One application after the other on one namespace. */
async function deployed(first: object, second: object, use: (app: App, logger: RecordingLogger) => Promise<void>): Promise<void> {
  const logger = new RecordingLogger();
  const redflow: RedflowModuleOptions = connection({ logger: logger as LoggerPort });
  await withApp(
    first,
    async ({ client }) => {
      await client.runByName('order', { id: 'o1' }, { runId: 'r' });
      await untilWaiting(client, 'r');
    },
    { redflow },
  );
  await withApp(second, (app) => use(app, logger), { redflow });
}

describe('a run that has begun', () => {
  it('gets an instance with the stored fields when a deploy has put a field into its DTO, and is undone', async () => {
    const effects: string[] = [];
    const provided = (input: typeof Order | typeof OrderWithCurrency) => {
      @Injectable()
      class Payments {
        @Step({ compensate: () => void effects.push('refund') })
        async charge(): Promise<void> {
          effects.push('charge');
        }
      }
      @Workflow({ name: 'order', input, maxAttempts: 1 })
      class OrderWorkflow {
        constructor(private readonly payments: Payments) {}

        async run(ctx: WorkflowContext<Order>): Promise<void> {
          await this.payments.charge();
          await ctx.step.waitForEvent('paid', { event: 'paid', correlationKey: '1' });
          throw new Error(`${ctx.input instanceof input} ${ctx.input.label}`);
        }
      }
      return { providers: [Payments, OrderWorkflow] };
    };
    await deployed(provided(Order), provided(OrderWithCurrency), async ({ client }, logger) => {
      await client.emitEvent('paid', {}, { correlationKey: '1' });
      await eventually(async () => {
        const run = await client.getRun('r');
        expect(run).toMatchObject({ status: 'failed', error: { message: 'true order o1 in undefined' } });
        expect(run?.compensationErrors).toBeUndefined();
      }, 'the run has failed');
      expect(effects).toEqual(['charge', 'refund']);
      expect(logger.matching('warn', /refuses the input/)[0].message).toContain('currency must be a string');
    });
  });

  const behindDoor = (door: Door, effects: string[] = []) => {
    @Workflow({ name: 'guarded', maxAttempts: 1 })
    class GuardedWorkflow {
      @UseGuards(door)
      @UseInterceptors(door, new Cache(door))
      @UsePipes(door)
      async run(ctx: WorkflowContext<string>): Promise<string> {
        await ctx.step.run('charge', () => void effects.push('charge'), { compensate: () => void effects.push('refund') });
        await ctx.step.waitForEvent('go on', { event: 'go on', correlationKey: '1' });
        return ctx.input;
      }
    }
    return GuardedWorkflow;
  };

  it('is refused by no guard, interceptor or pipe any more', async () => {
    const door = new Door();
    const logger = new RecordingLogger();
    await withApp(
      { providers: [behindDoor(door)] },
      async ({ client }) => {
        const handle = await client.runByName('guarded', 'in', { runId: 'r' });
        await untilWaiting(client, 'r');
        const { asked } = door;
        door.isOpen = false;
        await client.emitEvent('go on', {}, { correlationKey: '1' });
        expect(await handle.result()).toBe('in');
        expect(door.asked).toBe(asked);
      },
      { redflow: { logger: logger as LoggerPort } },
    );
    expect(logger.matching('warn', /An interceptor of workflow "guarded" did not call the handler .*Error: closed/)).not.toEqual(
      [],
    );
    expect(logger.matching('warn', /A pipe of workflow "guarded" refuses the input/)).not.toEqual([]);
  });

  it('is still surrounded by its interceptors, and undone behind closed doors', async () => {
    const door = new Door();
    const effects: string[] = [];
    await withApp({ providers: [behindDoor(door, effects)] }, async ({ client }) => {
      const handle = await client.runByName('guarded', 'in', { runId: 'r' });
      await untilWaiting(client, 'r');
      await client.emitEvent('go on', {}, { correlationKey: '1' });
      expect(await handle.result()).toBe('in!');
      await client.runByName('guarded', 'in', { runId: 'c' });
      await untilWaiting(client, 'c');
      door.isOpen = false;
      await client.cancelRun('c');
      await eventually(async () => expect(await client.getRun('c')).toMatchObject({ status: 'canceled' }), 'it is canceled');
      expect(effects).toEqual(['charge', 'charge', 'refund']);
    });
  });

  it('keeps what its pipes made of the input in the first pass', async () => {
    const seen: unknown[] = [];
    let passes = 0;
    class Numbering implements PipeTransform {
      transform(value: string): string {
        return `${value} ${++passes}`;
      }
    }
    @Workflow('numbered')
    class NumberedWorkflow {
      @UsePipes(new Numbering())
      async run(ctx: WorkflowContext<string>): Promise<void> {
        seen.push(ctx.input);
        await ctx.step.waitForEvent('go on', { event: 'go on', correlationKey: '1' });
      }
    }
    await withApp({ providers: [NumberedWorkflow] }, async ({ client }) => {
      const handle = await client.runByName('numbered', 'pass', { runId: 'r' });
      await untilWaiting(client, 'r');
      await client.emitEvent('go on', {}, { correlationKey: '1' });
      await handle.result();
      expect(seen.length).toBeGreaterThan(1);
      expect(new Set(seen)).toEqual(new Set(['pass 1']));
      expect(await client.getRun('r')).toMatchObject({ input: 'pass' });
    });
  });

  it('hands a method an instance of its parameter, when the pipe that made it refuses', async () => {
    let asked = 0;
    class OnceOnly extends ValidationPipe {
      override async transform(value: unknown, metadata: never): Promise<unknown> {
        if (asked++ > 0) throw new Error('once only');
        return super.transform(value, metadata);
      }
    }
    class Reading {
      @IsInt()
      celsius!: number;
    }
    const seen: unknown[] = [];
    @Injectable()
    class Readings {
      @OnEvent('reading', { name: 'reading', maxAttempts: 1 })
      @UsePipes(new OnceOnly({ transform: true }))
      async take(reading: Reading, ctx: WorkflowContext): Promise<void> {
        seen.push(reading);
        await ctx.step.waitForEvent('go on', { event: 'go on', correlationKey: '1' });
      }
    }
    await withApp({ providers: [Readings] }, async ({ client }) => {
      const [handle] = await client.emitEvent('reading', { celsius: 20 });
      await untilWaiting(client, handle.id);
      await client.emitEvent('go on', {}, { correlationKey: '1' });
      await handle.result();
      expect(seen.length).toBeGreaterThan(1);
      expect(perPass(seen).every((reading) => reading instanceof Reading && reading.celsius === 20)).toBe(true);
    });
  });
});

describe('a run of which nothing is stored', () => {
  it('is asked for again at each attempt, and refused for good by a ForbiddenException', async () => {
    class Moody implements CanActivate {
      asked = 0;

      canActivate(): boolean {
        if (++this.asked < 3) throw new Error('not now');
        return false;
      }
    }
    const guard = new Moody();
    @Workflow({ name: 'moody', retries: { maxAttempts: 9, delay: 1 } })
    @UseGuards(guard)
    class MoodyWorkflow {
      async run(): Promise<void> {}
    }
    await withApp({ providers: [MoodyWorkflow] }, async ({ client }) => {
      const handle = await client.runByName('moody', undefined);
      await expect(handle.result()).rejects.toMatchObject({
        cause: { name: 'ForbiddenException', message: 'Forbidden resource' },
      });
      expect(guard.asked).toBe(3);
    });
  });

  it('is tried again when its handler, and no guard, throws a ForbiddenException', async () => {
    @Workflow({ name: 'forbidden', retries: { maxAttempts: 2, delay: 1 } })
    class ForbiddenWorkflow {
      async run(ctx: WorkflowContext): Promise<string> {
        if (ctx.run.attempt === 1) throw new ForbiddenException();
        return 'let in';
      }
    }
    await withApp({ providers: [ForbiddenWorkflow] }, async ({ client }) => {
      expect(await (await client.runByName('forbidden', undefined)).result()).toBe('let in');
    });
  });

  it('fails for good with a step that a guard forbids', async () => {
    class Closed implements CanActivate {
      asked = 0;

      canActivate(): boolean {
        this.asked++;
        return false;
      }
    }
    const guard = new Closed();
    @Injectable()
    class Vault {
      @Step({ maxAttempts: 5 })
      @UseGuards(guard)
      async open(): Promise<void> {}
    }
    @Workflow({ name: 'heist', retries: { maxAttempts: 5, delay: 1 } })
    class HeistWorkflow {
      constructor(private readonly vault: Vault) {}

      async run(): Promise<void> {
        await this.vault.open();
      }
    }
    await withApp({ providers: [Vault, HeistWorkflow] }, async ({ client }) => {
      const handle = await client.runByName('heist', undefined);
      await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'ForbiddenException' } });
      expect(guard.asked).toBe(1);
    });
  });
});
