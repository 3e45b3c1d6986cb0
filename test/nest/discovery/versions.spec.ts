import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  OnEvent,
  RedflowModule,
  RedflowSetupError,
  Workflow,
  type WorkflowContext,
  type WorkflowDecoratorOptions,
} from '../../../lib/index.js';
import { runInline } from '../../../lib/testing/index.js';
import { RecordingLogger } from '../../support/engine.js';
import { bootError, compileApp, connection, withApp } from '../fixtures.js';

@Workflow({ name: 'order', version: '1' })
class OrderV1 {
  async run(ctx: WorkflowContext<number>): Promise<string> {
    return `1 as ${ctx.run.version}`;
  }
}

@Workflow({ name: 'order', version: '2', current: true, event: [{ name: 'ordered' }] })
class OrderV2 {
  async run(ctx: WorkflowContext<number>): Promise<string> {
    return `2 as ${ctx.run.version}`;
  }
}

/** A class that is this workflow, with a name for messages. */
function provider(name: string, options: WorkflowDecoratorOptions): new () => object {
  const type = {
    [name]: class {
      async run(): Promise<void> {}
    },
  }[name];
  Workflow(options)(type);
  return type;
}

describe('two classes of one name', () => {
  it('are its versions: new runs take the current one, whichever class names the workflow', async () => {
    await withApp({ providers: [OrderV1, OrderV2] }, async ({ client }) => {
      expect(await (await client.run(OrderV1, 1)).result()).toBe('2 as 2');
      expect(await (await client.run(OrderV2, 1)).result()).toBe('2 as 2');
      expect(await (await client.run(OrderV2, 1, { version: '1' })).result()).toBe('1 as 1');
      const [delivered] = await client.emitEvent('ordered', 1);
      expect(await delivered.result()).toBe('2 as 2');
    });
  });

  it('may be one without a version and one with', async () => {
    @Workflow({ name: 'order' })
    class Order {
      async run(ctx: WorkflowContext<number>): Promise<string> {
        return `none as ${ctx.run.version}`;
      }
    }
    await withApp({ providers: [Order, OrderV2] }, async ({ client }) => {
      expect(await (await client.run(Order, 1)).result()).toBe('2 as 2');
    });
  });

  it('may be methods', async () => {
    @Injectable()
    class Mails {
      @OnEvent('ordered', { name: 'thank', version: '1' })
      async thankOnce(_input: number, ctx: WorkflowContext): Promise<string> {
        return `1 as ${ctx.run.version}`;
      }

      @OnEvent('ordered', { name: 'thank', version: '2', current: true })
      async thankTwice(_input: number, ctx: WorkflowContext): Promise<string> {
        return `2 as ${ctx.run.version}`;
      }
    }
    await withApp({ providers: [Mails] }, async ({ client }) => {
      const handles = await client.emitEvent('ordered', 1);
      expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual(['2 as 2']);
    });
  });

  it('get their version from the configuration where the decorator names none', async () => {
    const redflow = { defaults: { version: 'v7' } };
    @Workflow('order')
    class Order {
      async run(ctx: WorkflowContext<number>): Promise<string> {
        return `none as ${ctx.run.version}`;
      }
    }
    await withApp(
      { providers: [Order, OrderV2] },
      async ({ client }) => {
        expect(await (await client.run(Order, 1)).result()).toBe('2 as 2');
        expect(await (await client.run(Order, 1, { version: 'v7' })).result()).toBe('none as v7');
      },
      { redflow },
    );
  });

  it('are known to a producer, which creates runs of the current one', async () => {
    const options = connection();
    await withApp(
      { providers: [OrderV1, OrderV2] },
      async () => {
        const producer = { redflow: { ...options, worker: false } as const };
        await withApp({}, async ({ client }) => expect(await (await client.run(OrderV1, 1)).result()).toBe('2 as 2'), producer);
      },
      { redflow: options },
    );
  });

  it.each<[string, Array<new () => object>, string]>([
    [
      'with one version',
      [provider('First', { name: 'order', version: '1' }), provider('Second', { name: 'order', version: '1' })],
      'Version "1" of workflow "order" is class "First" (module "RootTestModule") and class "Second" (module "RootTestModule"). Give one ' +
        'of them another `version`.',
    ],
    [
      'without a version',
      [provider('First', { name: 'order' }), provider('Second', { name: 'order' })],
      'Workflow name "order" is used by class "First" (module "RootTestModule") and by class "Second" (module "RootTestModule"). Give one ' +
        "of them another: @Workflow('another-name').",
    ],
    [
      'that are both current',
      [
        provider('First', { name: 'order', version: '1', current: true }),
        provider('Second', { name: 'order', version: '2', current: true }),
      ],
      'Workflow "order" has `current: true` on class "First" (module "RootTestModule") and on class "Second" (module "RootTestModule"). ' +
        'Keep it on the one that new runs are to take.',
    ],
    [
      'of which none is current',
      [provider('First', { name: 'order', version: '1' }), provider('Second', { name: 'order' })],
      'Workflow "order" is class "First" (module "RootTestModule") and class "Second" (module "RootTestModule"): put `current: true` on ' +
        'the one that new runs are to take.',
    ],
  ])('refuse the boot %s', async (_what, providers, message) => {
    const error = await bootError({ providers });
    expect(error).toBeInstanceOf(RedflowSetupError);
    expect(error.message).toBe(message);
  });

  it('are lines of their own in the boot table', async () => {
    const logger = new RecordingLogger();
    const redflow = RedflowModule.forRoot(connection({ worker: false, logger }));
    const module = await compileApp({ providers: [OrderV1, OrderV2] }, { redflow });
    await module.init();
    await module.close();
    expect(logger.matching('debug', /^Workflows of/)[0].message.split('\n')).toEqual([
      'Workflows of connection "default":',
      '  workflow   provider                  queue    started by',
      '  order (1)  OrderV1 (RootTestModule)  default  runs pinned to it',
      '  order (2)  OrderV2 (RootTestModule)  default  event ordered',
    ]);
  });
});

describe('runInline()', () => {
  it('runs the version that it is given', async () => {
    expect(await runInline(new OrderV1(), { input: 1 })).toMatchObject({ output: '1 as 1', run: { version: '1' } });
    expect(await runInline(new OrderV2(), { input: 1 })).toMatchObject({ output: '2 as 2', run: { version: '2' } });
  });
});
