import { describe, expect, it } from '@jest/globals';
import { type CanActivate, Controller, Inject, Injectable, Scope, UseGuards } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import {
  type FailureContext,
  OnEvent,
  OnFailure,
  RedflowSetupError,
  Step,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { bootError, definitionsOf } from '../fixtures.js';

type Failure = FailureContext<string>;

/** As much of a failure as the hooks here read. */
const failure = { input: 'o1', error: new Error('no money'), run: { id: 'r1', workflow: 'order' } } as Failure;

@Injectable()
class Support {
  readonly desk = 'desk 7';
}

@Workflow('order')
class OrderWorkflow {
  constructor(private readonly support: Support) {}

  async run(ctx: WorkflowContext<string>): Promise<string> {
    return ctx.input;
  }

  @OnFailure()
  async tell({ input, error }: Failure): Promise<string> {
    return `${this.support.desk}: ${input} failed with ${error.message}`;
  }
}

/** Calls the hook of a workflow as the engine would. */
async function hookOf(metadata: Parameters<typeof definitionsOf>[0], name: string) {
  const definition = (await definitionsOf(metadata)).get(name);
  return definition?.onFailure;
}

describe('@OnFailure()', () => {
  it('is the failure hook of its class, called on the instance with the FailureContext', async () => {
    const hook = await hookOf({ providers: [OrderWorkflow, Support] }, 'order');
    expect(await hook?.(failure)).toBe('desk 7: o1 failed with no money');
  });

  it('is inherited, and overridden by a method of the same name', async () => {
    @Workflow('inheriting')
    class InheritingWorkflow extends OrderWorkflow {}
    @Workflow('overriding')
    class OverridingWorkflow extends OrderWorkflow {
      @OnFailure()
      override async tell(): Promise<string> {
        return 'overridden';
      }
    }
    @Workflow('silent')
    class SilentWorkflow extends OrderWorkflow {
      override async tell(): Promise<string> {
        return 'plain';
      }
    }
    const definitions = await definitionsOf({ providers: [InheritingWorkflow, OverridingWorkflow, SilentWorkflow, Support] });
    expect(await definitions.get('inheriting')?.onFailure?.(failure)).toBe('desk 7: o1 failed with no money');
    expect(await definitions.get('overriding')?.onFailure?.(failure)).toBe('overridden');
    expect(definitions.get('silent')?.onFailure).toBeUndefined();
  });

  it('gets a new instance for each call of a request-scoped class, the FailureContext as REQUEST', async () => {
    let made = 0;
    @Injectable({ scope: Scope.REQUEST })
    @Workflow('scoped')
    class ScopedWorkflow {
      private readonly number = ++made;

      constructor(@Inject(REQUEST) private readonly context: Failure) {}

      async run(_ctx: WorkflowContext<string>): Promise<void> {}

      @OnFailure()
      tell(given: Failure): unknown {
        return [this.number, this.context === given];
      }
    }
    const definition = (await definitionsOf({ providers: [ScopedWorkflow] })).get('scoped');
    expect(made).toBe(0);
    expect(await definition?.onFailure?.(failure)).toEqual([1, true]);
    expect(await definition?.onFailure?.(failure)).toEqual([2, true]);
  });

  it('is not asked of a test double that lacks it', async () => {
    const providers = [{ provide: OrderWorkflow, useValue: { run: async () => 'double' } }];
    expect(await hookOf({ providers }, 'order')).toBeUndefined();
  });

  it('is not the hook of workflows that methods of the class are', async () => {
    @Workflow('both')
    class BothWorkflow extends OrderWorkflow {
      @OnEvent('order.paid', { name: 'beside' })
      beside(): void {}
    }
    const definitions = await definitionsOf({ providers: [BothWorkflow, Support] });
    expect(definitions.get('both')?.onFailure).toBeDefined();
    expect(definitions.get('beside')?.onFailure).toBeUndefined();
  });

  it('is refused twice in one class', async () => {
    @Workflow('twice')
    class TwiceWorkflow extends OrderWorkflow {
      @OnFailure()
      tellAgain(): void {}
    }
    const error = await bootError({ providers: [TwiceWorkflow, Support] });
    expect(error).toBeInstanceOf(RedflowSetupError);
    expect(error.message).toBe(
      '@OnFailure() is on method "TwiceWorkflow.tellAgain" (module "RootTestModule") and on method "TwiceWorkflow.tell" (module ' +
        '"RootTestModule"). A workflow has one failure hook: let one call the other.',
    );
  });

  it('is refused on a class that is no workflow', async () => {
    @Injectable()
    class Service {
      @OnFailure()
      tell(): void {}
    }
    expect((await bootError({ providers: [Service] })).message).toBe(
      '@OnFailure() is on method "Service.tell" (module "RootTestModule"), but its class is no workflow. It is the failure hook of a ' +
        '@Workflow() class: make the work that may fail such a class, or catch the failure in the method.',
    );
  });

  it('is refused on a workflow itself', async () => {
    @Workflow('running')
    class RunningWorkflow {
      @OnFailure()
      async run(): Promise<void> {}
    }
    expect((await bootError({ providers: [RunningWorkflow] })).message).toMatch(
      /"RunningWorkflow\.run" .* is a workflow itself\./,
    );
    @Workflow('listening')
    class ListeningWorkflow extends OrderWorkflow {
      @OnFailure()
      @OnEvent('order.failed')
      override async tell(): Promise<string> {
        return '';
      }
    }
    const error = await bootError({ providers: [ListeningWorkflow, Support] });
    expect(error.message).toMatch(/"ListeningWorkflow\.tell" .* is a workflow itself\. Give the hook a method of its own\.$/);
  });

  it('is refused with enhancers of its own, which would not be called', async () => {
    class Closed implements CanActivate {
      canActivate(): boolean {
        return false;
      }
    }
    @Workflow('guarded')
    class GuardedWorkflow {
      async run(_ctx: WorkflowContext<string>): Promise<void> {}

      @UseGuards(Closed)
      @OnFailure()
      async tell(_failure: Failure): Promise<void> {}
    }
    const error = await bootError({ providers: [GuardedWorkflow] });
    expect(error).toBeInstanceOf(RedflowSetupError);
    expect(error.message).toBe(
      '@OnFailure() is on method "GuardedWorkflow.tell" (module "RootTestModule"), to which guards, interceptors, pipes or filters are ' +
        'bound, and none are called around a failure hook. Bind them to a @Step() that the hook calls.',
    );
    @Workflow('step')
    class StepWorkflow {
      async run(_ctx: WorkflowContext<string>): Promise<void> {}

      @UseGuards(Closed)
      @OnFailure()
      @Step()
      async tell(_failure: Failure): Promise<void> {}
    }
    const definitions = await definitionsOf({ providers: [StepWorkflow] });
    expect(definitions.get('step')?.onFailure).toBeDefined();
  });

  it('is refused on a controller', async () => {
    @Controller()
    class FailingController {
      @OnFailure()
      tell(): void {}
    }
    const error = await bootError({ controllers: [FailingController] });
    expect(error.message).toMatch(/^@OnFailure\(\) is on method "FailingController\.tell", a controller's\./);
  });
});
