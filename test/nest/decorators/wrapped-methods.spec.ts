import { describe, expect, it } from '@jest/globals';
import { type CanActivate, Injectable, UseGuards } from '@nestjs/common';
import { type FailureContext, OnCron, OnEvent, OnFailure, Step, Workflow, type WorkflowContext } from '../../../lib/index.js';
import { eventually } from '../../support/eventually.js';
import { definitionsOf, withApp } from '../fixtures.js';

/** Replaces the method by one that knows nothing of it, as timers, policies and request contexts do. */
function Timed() {
  return (_target: object, _key: string | symbol, descriptor: PropertyDescriptor) => {
    const method = descriptor.value;
    descriptor.value = function (this: unknown, ...args: unknown[]) {
      return method.apply(this, args);
    };
  };
}

class Refusing implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Injectable()
class Listener {
  @Timed()
  @OnEvent('above', { name: 'above' })
  async above(input: number, _ctx: WorkflowContext<number>): Promise<number> {
    return input + 1;
  }

  @OnEvent('below', { name: 'below' })
  @Timed()
  @OnCron('0 6 * * *', { id: 'below' })
  async below(input: number, _ctx: WorkflowContext<number>): Promise<number> {
    return input + 2;
  }
}

describe('a method that another decorator replaces', () => {
  it('keeps its triggers, in whatever order the decorators are', async () => {
    const definitions = await definitionsOf({ providers: [Listener] });
    expect(definitions.get('above')?.options.event).toMatchObject([{ name: 'above' }]);
    expect(definitions.get('below')?.options).toMatchObject({ event: [{ name: 'below' }], cron: [{ id: 'below' }] });
    await withApp({ providers: [Listener] }, async ({ client }) => {
      expect(await (await client.emitEvent('above', 1))[0].result()).toBe(2);
      expect(await (await client.emitEvent('below', 1))[0].result()).toBe(3);
    });
  });

  it('stays the failure hook of its class', async () => {
    const told: string[] = [];
    @Workflow({ name: 'failing', maxAttempts: 1 })
    class FailingWorkflow {
      async run(_ctx: WorkflowContext<void>): Promise<void> {
        throw new Error('no');
      }

      @Timed()
      @OnFailure()
      async tell({ error }: FailureContext<void>): Promise<void> {
        told.push(error.message);
      }
    }
    await withApp({ providers: [FailingWorkflow] }, async ({ client }) => {
      await (await client.run(FailingWorkflow, undefined)).result().catch(() => undefined);
      await eventually(async () => expect(told).toEqual(['no']), 'the hook has run');
    });
  });

  it('keeps the guards above, around the step and nothing else', async () => {
    const seen: string[] = [];
    @Injectable()
    class Vault {
      @UseGuards(new Refusing())
      @Timed()
      @Step()
      async open(): Promise<string> {
        seen.push('open');
        return 'open';
      }

      @OnEvent('knock', { name: 'knock', maxAttempts: 1 })
      @UseGuards({ canActivate: () => seen.push('asked') > 0 })
      @Timed()
      @Step()
      async knock(_input: unknown, _ctx: WorkflowContext): Promise<string> {
        return 'knocked';
      }
    }
    @Workflow({ name: 'heist', maxAttempts: 1 })
    class HeistWorkflow {
      constructor(private readonly vault: Vault) {}

      async run(_ctx: WorkflowContext<void>): Promise<string> {
        return this.vault.open();
      }
    }
    await withApp({ providers: [Vault, HeistWorkflow] }, async ({ client }) => {
      const handle = await client.run(HeistWorkflow, undefined);
      await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'ForbiddenException' } });
      expect(seen).toEqual([]);
      expect(await (await client.emitEvent('knock', {}))[0].result()).toBe('knocked');
      expect(seen).toEqual(['asked']);
    });
  });

  it('is an asynchronous function where it is a step, for tools that look', () => {
    class Payments {
      @Step()
      async charge(): Promise<void> {}
    }
    expect(Payments.prototype.charge.constructor.name).toBe('AsyncFunction');
  });

  it('has no trigger any more when a subclass overrides it without one', async () => {
    @Injectable()
    class Quiet extends Listener {
      override async above(input: number, _ctx: WorkflowContext<number>): Promise<number> {
        return input;
      }
    }
    expect([...(await definitionsOf({ providers: [Quiet] })).keys()]).toEqual(['below']);
  });
});

describe('a step that two providers inherit', () => {
  it('is a step of each, named after its class', async () => {
    class Account {
      @Step()
      async book(): Promise<string> {
        return this.constructor.name;
      }

      @Step()
      static async audit(): Promise<string> {
        return 'audited';
      }
    }
    @Injectable()
    class Checking extends Account {}
    @Injectable()
    class Savings extends Account {
      @Step({ compensate: () => undefined })
      async interest(): Promise<string> {
        return 'interest';
      }
    }
    @Workflow('transfer')
    class TransferWorkflow {
      constructor(
        private readonly checking: Checking,
        private readonly savings: Savings,
      ) {}

      async run(_ctx: WorkflowContext<void>): Promise<string[]> {
        const booked = [await this.checking.book(), await this.savings.book(), await this.savings.interest()];
        const unbound = Account.prototype.book;
        return [...booked, await Savings.audit(), await unbound.call({ constructor: Object } as never)];
      }
    }
    await withApp({ providers: [Checking, Savings, TransferWorkflow] }, async ({ client }) => {
      const handle = await client.run(TransferWorkflow, undefined);
      expect(await handle.result()).toEqual(['Checking', 'Savings', 'interest', 'audited', 'Object']);
      const names = (await client.getRunSteps(handle.id)).map(({ name }) => name);
      expect(names).toEqual(['Checking.book', 'Savings.book', 'Savings.interest', 'Savings.audit', 'Account.book']);
    });
  });
});
