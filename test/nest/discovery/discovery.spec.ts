import { describe, expect, it } from '@jest/globals';
import { type CanActivate, Controller, forwardRef, Inject, Injectable, Module, UseGuards } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { OnEvent, RedflowSetupError, Step, Workflow, type WorkflowContext } from '../../../lib/index.js';
import { bootError, silentLogger, withApp } from '../fixtures.js';

@Injectable()
class Greeting {
  readonly word = 'hello';
}

@Workflow('base')
class BaseWorkflow {
  constructor(readonly greeting: Greeting = new Greeting()) {}

  async run(_ctx: WorkflowContext<void>): Promise<string> {
    return `${this.greeting.word} from ${this.constructor.name}`;
  }
}

@Injectable()
class InheritingWorkflow extends BaseWorkflow {}

@Workflow('renamed')
class RenamedWorkflow extends BaseWorkflow {}

const resultOf = (name: string, metadata: Parameters<typeof withApp>[0]) =>
  withApp(metadata, async ({ client }) => (await client.run(name, undefined)).result());

describe('discovery of workflows', () => {
  it('finds a subclass that is not decorated itself', async () => {
    expect(await resultOf('base', { providers: [Greeting, InheritingWorkflow] })).toBe('hello from InheritingWorkflow');
  });

  it('tells a decorated subclass from its base', async () => {
    const metadata = { providers: [Greeting, BaseWorkflow, RenamedWorkflow] };
    expect(await resultOf('base', metadata)).toBe('hello from BaseWorkflow');
    expect(await resultOf('renamed', metadata)).toBe('hello from RenamedWorkflow');
  });

  it('resolves a base class to the subclass that stands in for it', async () => {
    const providers = [Greeting, { provide: BaseWorkflow, useClass: InheritingWorkflow }];
    await withApp({ providers }, async ({ client }) => {
      expect(await (await client.run(BaseWorkflow, undefined)).result()).toBe('hello from InheritingWorkflow');
    });
  });

  it('finds values and what factories make', async () => {
    const value = { provide: 'VALUE', useValue: new BaseWorkflow() };
    expect(await resultOf('base', { providers: [value] })).toBe('hello from BaseWorkflow');
    const factory = { provide: 'FACTORY', useFactory: async (word: Greeting) => new BaseWorkflow(word), inject: [Greeting] };
    expect(await resultOf('base', { providers: [Greeting, factory] })).toBe('hello from BaseWorkflow');
  });

  it('takes a test double for the workflow it overrides', async () => {
    const result = await withApp(
      { providers: [Greeting, BaseWorkflow] },
      async ({ client }) => (await client.run(BaseWorkflow, undefined)).result(),
      { override: (builder) => builder.overrideProvider(BaseWorkflow).useValue({ run: async () => 'double' }) },
    );
    expect(result).toBe('double');
  });

  it('takes an object without a class for a double, and is not troubled by providers that are nothing', async () => {
    const nothing = [null, undefined, Object.create(null)].map((useValue, index) => ({ provide: `NOTHING ${index}`, useValue }));
    const double = Object.assign(Object.create(null), { run: async () => 'double' });
    const result = await withApp(
      { providers: [Greeting, BaseWorkflow, ...nothing] },
      async ({ client }) => (await client.run(BaseWorkflow, undefined)).result(),
      { override: (builder) => builder.overrideProvider(BaseWorkflow).useValue(double) },
    );
    expect(result).toBe('double');
  });

  it('sees a provider once under all its aliases', async () => {
    const alias = { provide: 'ALIAS', useExisting: BaseWorkflow };
    const factory = { provide: 'SAME', useFactory: (same: BaseWorkflow) => same, inject: [BaseWorkflow] };
    expect(await resultOf('base', { providers: [alias, factory, Greeting, BaseWorkflow] })).toBe('hello from BaseWorkflow');
  });

  it('finds workflows of feature modules', async () => {
    @Module({ providers: [Greeting, BaseWorkflow] })
    class FeatureModule {}
    expect(await resultOf('base', { imports: [FeatureModule] })).toBe('hello from BaseWorkflow');
  });

  it('refuses one name on two classes', async () => {
    @Workflow('base')
    class OtherWorkflow {
      async run(): Promise<void> {}
    }
    @Module({ providers: [OtherWorkflow] })
    class OtherModule {}
    @Module({ providers: [Greeting, BaseWorkflow] })
    class FeatureModule {}
    const error = await bootError({ imports: [FeatureModule, OtherModule] });
    expect(error).toBeInstanceOf(RedflowSetupError);
    expect(error.message).toBe(
      'Workflow name "base" is used by class "BaseWorkflow" (module "FeatureModule") and by class "OtherWorkflow" ' +
        '(module "OtherModule"). Give one of them another: @Workflow(\'another-name\').',
    );
  });

  it('refuses a base and an undecorated subclass beside each other', async () => {
    const error = await bootError({ providers: [Greeting, BaseWorkflow, InheritingWorkflow] });
    expect(error.message).toMatch(/"base" is used by class "BaseWorkflow" .* and by class "InheritingWorkflow"/);
  });

  it('refuses one class in two modules', async () => {
    @Module({ providers: [Greeting, BaseWorkflow] })
    class FirstModule {}
    @Module({ providers: [Greeting, BaseWorkflow] })
    class SecondModule {}
    const error = await bootError({ imports: [FirstModule, SecondModule] });
    expect(error.message).toBe(
      'Workflow class "BaseWorkflow" is provided twice, in modules "FirstModule" and "SecondModule", so which instance would ' +
        'execute its runs is open. Provide it in one module and export it from there.',
    );
  });

  it('refuses a class without run()', async () => {
    class Runless {}
    (Workflow('runless') as (target: unknown) => void)(Runless);
    const error = await bootError({ providers: [Runless] });
    expect(error.message).toBe(
      'Workflow "runless" of class "Runless" (module "RootTestModule") has no run() method. ' +
        'Add async run(ctx: WorkflowContext<Input>) { … }.',
    );
  });

  it('refuses a run() that is a step: those it has would be stored no more', async () => {
    @Workflow('one-step')
    @Injectable()
    class OneStepWorkflow {
      @Step()
      async run(ctx: WorkflowContext<void>): Promise<void> {
        await ctx.step.waitFor('a while', '1h');
      }
    }
    const error = await bootError({ providers: [OneStepWorkflow] });
    expect(error.name).toBe('RedflowSetupError');
    expect(error.message).toMatch(/^@Step\(\) is on .*"OneStepWorkflow\.run".*Put it on the methods that run\(\) calls\.$/);
  });

  it('refuses a controller', async () => {
    @Controller()
    @Workflow('controlled')
    class ControlledWorkflow {
      async run(): Promise<void> {}
    }
    const error = await bootError({ controllers: [ControlledWorkflow] });
    expect(error.message).toMatch(/^Workflow class "ControlledWorkflow" is a controller\./);
  });

  it('refuses a guard that is no provider, and finds one that is', async () => {
    @Injectable()
    class ListeningGuard implements CanActivate {
      canActivate(): boolean {
        return true;
      }

      @OnEvent('heard')
      async hear(_input: unknown): Promise<void> {}
    }
    @Workflow('guarded')
    @UseGuards(ListeningGuard)
    class GuardedWorkflow {
      async run(_ctx: WorkflowContext<void>): Promise<void> {}
    }
    const error = await bootError({ providers: [GuardedWorkflow] });
    expect(error.message).toBe(
      '@OnEvent("heard") is on method "ListeningGuard.hear", of which Nest makes guards, interceptors, pipes or filters only. ' +
        'List the class in providers as well.',
    );
    await withApp({ providers: [GuardedWorkflow, ListeningGuard] }, async ({ client }) => {
      expect(await client.emitEvent('heard', 1)).toHaveLength(1);
    });
  });

  it('finds the methods of a module class', async () => {
    @Module({})
    class ListeningModule {
      @OnEvent('heard')
      async hear(word: string): Promise<string> {
        return word;
      }
    }
    await withApp({ imports: [ListeningModule] }, async ({ client }) => {
      const [handle] = await client.emitEvent('heard', 'hey');
      expect(await handle.result()).toBe('hey');
    });
  });

  it('finds workflows and steps that depend on each other', async () => {
    @Injectable()
    class Stock {
      constructor(@Inject(forwardRef(() => StockWorkflow)) readonly workflow: object) {}

      @Step()
      async reserve(): Promise<string> {
        return this.workflow.constructor.name;
      }
    }
    @Workflow('stock')
    class StockWorkflow {
      constructor(@Inject(forwardRef(() => Stock)) private readonly stock: Stock) {}

      async run(_ctx: WorkflowContext<void>): Promise<string> {
        return this.stock.reserve();
      }
    }
    expect(await resultOf('stock', { providers: [StockWorkflow, Stock] })).toBe('StockWorkflow');
  });
});

describe('a workflow class that no worker of the application serves', () => {
  @Workflow('elsewhere')
  class ElsewhereWorkflow {
    async run(_ctx: WorkflowContext<void>): Promise<void> {}
  }

  const linesOf = async (worker: boolean): Promise<string[]> => {
    const lines: string[] = [];
    const logger = { ...silentLogger, warn: (line: string) => lines.push(line) };
    await withApp(
      { providers: [BaseWorkflow, Greeting] },
      async ({ client }) => {
        for (let run = 0; run < 2; run++) await client.run(ElsewhereWorkflow, undefined);
      },
      { redflow: { logger, worker } },
    );
    return lines.filter((line) => line.includes('elsewhere'));
  };

  it('is warned of once, since it may have been forgotten', async () => {
    expect(await linesOf(true)).toEqual([
      'Workflow "elsewhere" is started here, and its class "ElsewhereWorkflow" is no provider of this application: its runs wait for a ' +
        'worker that has it. List it in providers, unless another process serves it.',
    ]);
  });

  it('is nothing to tell by a producer', async () => {
    expect(await linesOf(false)).toEqual([]);
  });

  it('is refused when it came with a module that was loaded after the boot', async () => {
    @Module({ providers: [ElsewhereWorkflow] })
    class LazyModule {}
    await withApp({ providers: [BaseWorkflow, Greeting] }, async ({ module, client }) => {
      await module.get(LazyModuleLoader).load(() => LazyModule);
      const error = await client.run(ElsewhereWorkflow, undefined).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(RedflowSetupError);
      expect((error as Error).message).toBe(
        'Workflow "elsewhere" would not be executed: its class "ElsewhereWorkflow" came with module "LazyModule" after the boot, and ' +
          'workflows are looked for at the boot only. Import the module in one that is there from the start.',
      );
    });
  });
});
