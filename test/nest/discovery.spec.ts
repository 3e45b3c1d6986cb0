import { describe, expect, it } from '@jest/globals';
import { Controller, Injectable, Module } from '@nestjs/common';
import { RedflowSetupError, Workflow, type WorkflowContext } from '../../lib/index.js';
import { bootError, withApp } from './fixtures.js';

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

  it('refuses a controller', async () => {
    @Controller()
    @Workflow('controlled')
    class ControlledWorkflow {
      async run(): Promise<void> {}
    }
    const error = await bootError({ controllers: [ControlledWorkflow] });
    expect(error.message).toMatch(/^Workflow class "ControlledWorkflow" is a controller\./);
  });
});
