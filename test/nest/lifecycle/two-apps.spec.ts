import { describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  OnCron,
  OnEvent,
  RedflowClient,
  RedflowModule,
  type RedflowModuleOptions,
  Step,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { connection, gate } from '../fixtures.js';

/** What a bundler with hot module replacement makes of a file on every change: the same decorators on new classes. */
function evaluate(redflow: RedflowModuleOptions, version: string, hold?: Promise<void>) {
  const reached = gate();

  @Injectable()
  class Mails {
    @Step()
    async send(): Promise<string> {
      return `sent by ${version}`;
    }

    @OnEvent('order.placed')
    async thank(): Promise<string> {
      return `thanked by ${version}`;
    }

    @OnCron('0 3 * * *')
    async clean(): Promise<void> {}
  }

  @Workflow('order')
  class OrderWorkflow {
    constructor(private readonly mails: Mails) {}

    async run(ctx: WorkflowContext<void>): Promise<string[]> {
      const before = await ctx.step.run('before', () => version);
      reached.reach();
      if (hold)
        await Promise.race([
          hold,
          new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))),
        ]);
      return [before, await this.mails.send()];
    }
  }

  @Module({ imports: [RedflowModule.forRoot(redflow)], providers: [Mails, OrderWorkflow] })
  class AppModule {}

  return {
    reached: reached.reached,
    OrderWorkflow,
    start: () => NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false }),
  };
}

describe('two applications in one process, as with hot module replacement', () => {
  it('one after the other: runs in hand go on in the second, by its code', async () => {
    const redflow = connection({ worker: { shutdownTimeoutMs: 1 } });
    const old = evaluate(redflow, 'v1', new Promise(() => {}));
    const first = await old.start();
    const handle = await first.get(RedflowClient).run(old.OrderWorkflow, undefined);
    await old.reached;
    await first.close();

    const second = await evaluate(redflow, 'v2').start();
    const client = second.get(RedflowClient);
    expect(await client.getHandle(handle.id).result()).toEqual(['v1', 'sent by v2']);
    const [thanks] = await client.emitEvent('order.placed', {});
    expect(await thanks.result()).toBe('thanked by v2');
    await second.close();
  });

  it('beside each other, while the first drains: the second takes over, and keeps its schedules and subscriptions', async () => {
    const redflow = connection();
    const door = gate();
    const old = evaluate(redflow, 'v1', door.opened);
    const first = await old.start();
    const handle = await first.get(RedflowClient).run(old.OrderWorkflow, undefined);
    await old.reached;
    const closed = first.close();
    const fresh = evaluate(redflow, 'v2');
    const second = await fresh.start();
    const client = second.get(RedflowClient);
    expect(await (await client.run(fresh.OrderWorkflow, undefined)).result()).toEqual(['v2', 'sent by v2']);
    door.open();
    await closed;
    expect(await client.getHandle(handle.id).result()).toEqual(['v1', 'sent by v1']);
    expect(await client.listSchedules()).toHaveLength(1);
    const [thanks] = await client.emitEvent('order.placed', {});
    expect(await thanks.result()).toBe('thanked by v2');
    await second.close();
  });

  it('can both be closed twice, at the same time', async () => {
    const redflow = connection();
    const apps = await Promise.all([evaluate(redflow, 'v1').start(), evaluate(redflow, 'v2').start()]);
    await Promise.all([...apps, ...apps].map((app) => app.close()));
    await Promise.all(apps.map((app) => app.close()));
  });
});
