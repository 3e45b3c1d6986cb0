import { describe, expect, it } from '@jest/globals';
import { ForbiddenException, HttpException, Injectable, UseGuards } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  type ErrorClass,
  InvalidOptionError,
  RedflowClient,
  type RedflowModuleOptions,
  RedflowSetupError,
  Step,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { RedflowTestBed, RedflowTestingModule, runInline } from '../../../lib/testing/index.js';
import { shapeOf } from '../../support/shape-of.js';
import { type App, bootError, redisUrl, silentLogger, withApp } from '../fixtures.js';

class PaymentDeclined extends Error {
  constructor(readonly reason: string) {
    super(`declined: ${reason}`);
  }
}

class OutOfStock extends Error {}
class Unreachable extends Error {}
const other = { PaymentDeclined: class PaymentDeclined extends Error {} };

@Injectable()
class Payments {
  @Step({ name: 'charge', errors: [PaymentDeclined] })
  async charge(): Promise<never> {
    throw new PaymentDeclined('lost');
  }

  @Step('reserve')
  async reserve(): Promise<never> {
    throw new OutOfStock();
  }

  @Step('call')
  async call(): Promise<never> {
    throw new Unreachable();
  }

  @Step('enter')
  async enter(): Promise<never> {
    throw new ForbiddenException('members only');
  }

  @Step('static')
  @UseGuards({ canActivate: () => true })
  async guarded(): Promise<void> {}
}

/** What each step was caught with, by pass. */
const seen: Error[][] = [];

@Workflow({ name: 'order', errors: [OutOfStock] })
class OrderWorkflow {
  constructor(private readonly payments: Payments) {}

  async run(ctx: WorkflowContext<{ ms: number }>): Promise<void> {
    const pass: Error[] = [];
    seen.push(pass);
    const { payments } = this;
    const { guarded } = payments;
    const calls = [
      () => payments.charge(),
      () => payments.reserve(),
      () => payments.call(),
      () => payments.enter(),
      () => guarded(),
    ];
    for (const call of calls) await call().catch((error: Error) => pass.push(error));
    await ctx.step.waitFor('nap', ctx.input.ms);
  }
}

const providers = [Payments, OrderWorkflow];
const errors = [Unreachable, HttpException];

function expectTheirClasses(): void {
  const passes = seen.splice(0).filter(({ length }) => length === 5);
  expect(passes.length).toBeGreaterThanOrEqual(2);
  for (const pass of passes) {
    const [declined, gone, away, forbidden, wrong] = pass;
    expect(declined).toBeInstanceOf(PaymentDeclined);
    expect(declined).toMatchObject({ reason: 'lost', message: 'declined: lost' });
    expect(gone).toBeInstanceOf(OutOfStock);
    expect(away).toBeInstanceOf(Unreachable);
    expect(forbidden).toBeInstanceOf(HttpException);
    expect((forbidden as HttpException).getStatus()).toBe(403);
    expect((forbidden as HttpException).getResponse()).toMatchObject({ message: 'members only' });
    expect(wrong).toBeInstanceOf(RedflowSetupError);
    expect(pass.map(shapeOf)).toEqual(passes[0].map(shapeOf));
  }
}

describe('errors of module, workflow and step', () => {
  it('rebuild their classes in an application, in every pass', async () => {
    const toTheEnd = async ({ client }: App) => (await client.run(OrderWorkflow, { ms: 20 })).result();
    await withApp({ providers }, toTheEnd, { redflow: { errors } });
    expectTheirClasses();
  });

  it('rebuild them in a test bed', async () => {
    const redflow = RedflowTestingModule.forRoot({ url: redisUrl(), logger: silentLogger, errors });
    const module = await Test.createTestingModule({ imports: [redflow], providers }).compile();
    try {
      await module.init();
      const handle = await module.get(RedflowClient).run(OrderWorkflow, { ms: 3_600_000 });
      await module.get(RedflowTestBed).advance('1d');
      await handle.result();
    } finally {
      await module.close();
    }
    expectTheirClasses();
  });

  it('rebuild them in runInline', async () => {
    const result = await runInline(new OrderWorkflow(new Payments()), { input: { ms: 3_600_000 }, errors });
    expect(result.succeeded).toBe(true);
    const passes = seen.splice(0);
    expect(passes.length).toBeGreaterThanOrEqual(2);
    for (const [declined, gone, away, forbidden] of passes) {
      expect(declined).toBeInstanceOf(PaymentDeclined);
      expect(gone).toBeInstanceOf(OutOfStock);
      expect(away).toBeInstanceOf(Unreachable);
      expect(forbidden).toBeInstanceOf(HttpException);
    }
    for (const pass of passes) expect(pass.map(shapeOf)).toEqual(passes[0].map(shapeOf));
  });

  it('of a workflow may be configured, as its other options', async () => {
    const given: RedflowModuleOptions[] = [{ defaults: { errors } }, { workflows: { bare: { errors } } }];
    for (const redflow of given) {
      const caught: unknown[] = [];
      @Workflow('bare')
      class Bare {
        constructor(private readonly payments: Payments) {}

        async run(_ctx: WorkflowContext<void>): Promise<void> {
          await this.payments.call().catch((error: unknown) => caught.push(error));
        }
      }
      const run = async ({ client }: App) => (await client.run(Bare, undefined)).result();
      await withApp({ providers: [Payments, Bare] }, run, { redflow });
      expect(caught[0]).toBeInstanceOf(Unreachable);
    }
  });
});

describe('two error classes of one name', () => {
  it('refuse the boot wherever they are listed, naming both places', async () => {
    const conflict = (first: string, second: string) =>
      `Two error classes named "PaymentDeclined" are listed by ${first} and by ${second}. Errors are stored by the name of their class: ` +
      'rename one of them, or list the same class in both places';
    const step = '@Step() on method "Payments.charge" (module "RootTestModule")';
    const module = await bootError({ providers }, { redflow: { errors: [other.PaymentDeclined] } });
    expect(module).toBeInstanceOf(InvalidOptionError);
    expect(module.message).toBe(conflict('RedflowModule', step));

    @Workflow({ name: 'refund', errors: [other.PaymentDeclined] })
    class RefundWorkflow {
      async run(_ctx: WorkflowContext<void>): Promise<void> {}
    }
    expect((await bootError({ providers: [...providers, RefundWorkflow] })).message).toBe(conflict('workflow "refund"', step));
    const producer = await bootError({ providers: [RefundWorkflow] }, { redflow: { worker: false, errors: [PaymentDeclined] } });
    expect(producer.message).toBe(conflict('RedflowModule', 'workflow "refund"'));
  });

  it('do not where it is one class', async () => {
    await withApp({ providers }, async () => undefined, { redflow: { errors: [PaymentDeclined], worker: false } });
  });
});

describe('a list that is none', () => {
  it('refuses the boot, naming its place', async () => {
    const none = 'PaymentDeclined' as unknown as ErrorClass[];
    const reason = "Expected `errors` to be a list of error classes, [PaymentDeclined]; got 'PaymentDeclined'";
    const module = await bootError({}, { redflow: { errors: none } });
    expect(module).toBeInstanceOf(InvalidOptionError);
    expect(module.message).toBe(`${reason} (the options of the client or worker)`);

    @Injectable()
    class Wrong {
      @Step({ errors: none })
      async charge(): Promise<void> {}
    }
    const step = await bootError({ providers: [Wrong] });
    expect(step.message).toBe(`${reason} (@Step() on method "Wrong.charge" (module "RootTestModule"))`);

    @Workflow({ name: 'wrong', errors: none })
    class WrongWorkflow {
      async run(_ctx: WorkflowContext<void>): Promise<void> {}
    }
    const workflow = await bootError({ providers: [WrongWorkflow] });
    expect(workflow.message).toBe(`${reason} (workflow "wrong") (on class "WrongWorkflow" (module "RootTestModule"))`);
  });
});
