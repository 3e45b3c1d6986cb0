import { describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { createClient } from '../../../lib/engine/index.js';
import {
  RedflowHealthIndicator,
  RedflowModule,
  type RedflowModuleOptions,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { startRedis } from '../../../lib/testing/index.js';
import { eventually } from '../../support/eventually.js';
import { compileApp, connection, redisUrl, silentLogger, withApp } from '../fixtures.js';

@Workflow('idle')
class IdleWorkflow {
  async run(_ctx: WorkflowContext<void>): Promise<void> {}
}

@Workflow({ name: 'nightly', queue: 'reports' })
class NightlyWorkflow {
  async run(_ctx: WorkflowContext<void>): Promise<void> {}
}

@Workflow({ name: 'report', connection: 'reports' })
class ReportWorkflow {
  async run(_ctx: WorkflowContext<void>): Promise<void> {}
}

@Controller()
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly redflow: RedflowHealthIndicator,
  ) {}

  @Get('health')
  @HealthCheck()
  check() {
    return this.health.check([() => this.redflow.isHealthy()]);
  }
}

describe('RedflowHealthIndicator', () => {
  it('reports every connection to Terminus', async () => {
    const reports = RedflowModule.forRoot({ ...connection({ worker: false }), name: 'reports' });
    const imports = [RedflowModule.forRoot(connection()), reports, TerminusModule];
    const providers = [IdleWorkflow, ReportWorkflow];
    const module = await Test.createTestingModule({ imports, providers, controllers: [HealthController] }).compile();
    const app = module.createNestApplication({ logger: false });
    try {
      await app.listen(0, '127.0.0.1');
      const answer = await fetch(`${await app.getUrl()}/health`);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({
        status: 'ok',
        info: { redflow: { status: 'up', connections: { default: { redis: 'up', worker: 'up' }, reports: { redis: 'up' } } } },
      });
    } finally {
      await app.close();
    }
  });

  it('is an HTTP 503 of Terminus when one of two connections is down', async () => {
    const redis = await startRedis();
    const reports = RedflowModule.forRoot({ ...connection({ worker: false }), name: 'reports', url: redis.url });
    const imports = [RedflowModule.forRoot(connection()), reports, TerminusModule.forRoot({ logger: false })];
    const module = await Test.createTestingModule({ imports, controllers: [HealthController] }).compile();
    const app = module.createNestApplication({ logger: false });
    try {
      await app.listen(0, '127.0.0.1');
      await redis.kill();
      const answer = await fetch(`${await app.getUrl()}/health`);
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({
        status: 'error',
        error: { redflow: { status: 'down', connections: { default: { redis: 'up' }, reports: { redis: 'down' } } } },
      });
    } finally {
      await redis.restart();
      await app.close();
      await redis.stop();
    }
  });

  it('is down while Redis does not count the worker among the living', async () => {
    const options = connection();
    const redis = new Redis(redisUrl());
    try {
      await withApp(
        { providers: [IdleWorkflow] },
        async ({ module, client }) => {
          const indicator = module.get(RedflowHealthIndicator, { strict: false });
          expect(await indicator.isHealthy('flows')).toEqual({
            flows: { status: 'up', connections: { default: { redis: 'up', worker: 'up' } } },
          });
          const [worker] = (await client.getStats()).workers;
          await redis.zrem(`{${options.prefix}}:workers`, worker.id);
          expect(await indicator.isHealthy('flows')).toEqual({
            flows: {
              status: 'down',
              connections: {
                default: {
                  redis: 'up',
                  worker: 'down',
                  unserved: [{ workflow: 'idle', queue: 'default', runs: 0 }],
                },
              },
            },
          });
        },
        { redflow: options },
      );
    } finally {
      redis.disconnect();
    }
  });

  it('is down, and not silent, when Redis does not answer', async () => {
    const redis = await startRedis();
    const options = { ...connection({ worker: false }), url: redis.url };
    const module = await compileApp({ providers: [IdleWorkflow] }, { redflow: options });
    try {
      await module.init();
      const indicator = module.get(RedflowHealthIndicator, { strict: false });
      expect(await indicator.isHealthy()).toMatchObject({ redflow: { status: 'up' } });
      await redis.kill();
      expect(await indicator.isHealthy('redflow', { timeoutMs: 50 })).toEqual({
        redflow: { status: 'down', connections: { default: { redis: 'down' } } },
      });
    } finally {
      // The client goes on asking, which holds its close up.
      await redis.restart();
      await module.close();
      await redis.stop();
    }
  });

  it('names workflows whose queue nobody serves, and stays up', async () => {
    const options = connection({ worker: { queues: ['report'] } });
    await withApp(
      { providers: [NightlyWorkflow] },
      async ({ module }) => {
        const indicator = module.get(RedflowHealthIndicator, { strict: false });
        const connections = {
          default: { redis: 'up', worker: 'up', unserved: [{ workflow: 'nightly', queue: 'reports', runs: 0 }] },
        };
        expect(await indicator.isHealthy()).toEqual({ redflow: { status: 'up', connections } });
        const serving = { redflow: { ...options, worker: { queues: ['reports'] } } };
        await withApp(
          { providers: [NightlyWorkflow] },
          async () =>
            expect(await indicator.isHealthy()).toEqual({
              redflow: { status: 'up', connections: { default: { redis: 'up', worker: 'up' } } },
            }),
          serving,
        );
      },
      { redflow: options },
    );
  });

  it('says how many runs their code blocks, and stays up', async () => {
    let name = 'charge';
    @Workflow({ name: 'order', determinismGrace: 50 })
    class OrderWorkflow {
      async run({ step }: WorkflowContext<void>): Promise<void> {
        await step.run(name, () => undefined);
        await step.waitForEvent('paid', { event: 'paid', correlationKey: 'k' });
      }
    }
    await withApp({ providers: [OrderWorkflow] }, async ({ module, client }) => {
      const indicator = module.get(RedflowHealthIndicator, { strict: false });
      const { id } = await client.run(OrderWorkflow, undefined);
      const until = (state: object) => eventually(async () => expect(await client.getRun(id)).toMatchObject(state));
      await until({ status: 'waiting' });
      name = 'charge-card';
      await client.emitEvent('paid', {}, { correlationKey: 'k' });
      await until({ blockedBy: 'code' });
      const connections = { default: { redis: 'up', worker: 'up', blocked: [{ workflow: 'order', runs: 1 }] } };
      expect(await indicator.isHealthy()).toEqual({ redflow: { status: 'up', connections } });
      await client.cancelRun(id);
      expect(await indicator.isHealthy()).toEqual({
        redflow: { status: 'up', connections: { default: { redis: 'up', worker: 'up' } } },
      });
    });
  });

  it('names them in an application without a worker, too', async () => {
    await withApp(
      { providers: [NightlyWorkflow] },
      async ({ module }) => {
        const indicator = module.get(RedflowHealthIndicator, { strict: false });
        const connections = { default: { redis: 'up', unserved: [{ workflow: 'nightly', queue: 'reports', runs: 0 }] } };
        expect(await indicator.isHealthy()).toEqual({ redflow: { status: 'up', connections } });
      },
      { redflow: { worker: false } },
    );
  });
});

describe('the boot beside other services', () => {
  it('says in one line which runs rest because nobody alive serves them', async () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    const { url, prefix } = connection();
    const client = createClient({ url, prefix });
    for (const name of ['orders', 'orders', 'mails']) await client.runByName(name, undefined, { allowUnknown: true });
    await client.close();
    await withApp({ providers: [IdleWorkflow] }, async () => {}, { redflow: { prefix, logger } });
    expect(warnings).toEqual([
      expect.stringMatching(
        /^No living worker serves (?=.*workflow "orders" \(2 runs wait in queue "default"\))(?=.*workflow "mails" \(1 run waits in queue "default"\)).*: their runs and those of their events wait, /,
      ),
    ]);
  });
});

describe('the boot', () => {
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  const boot = (options: RedflowModuleOptions) => {
    warnings.length = 0;
    return withApp({ providers: [NightlyWorkflow, IdleWorkflow] }, async () => {}, { redflow: { ...options, logger } });
  };

  it('warns of a workflow whose queue no living worker serves', async () => {
    await boot({ worker: { queues: ['report', 'default'] } });
    expect(warnings).toEqual([
      'No living worker serves queue "reports" of workflow "nightly": its runs wait until one does. Did you mean "report"? Add it to ' +
        'worker option queues ("report", "default"), or start the process that serves it.',
    ]);
  });

  it('does not warn where another process serves it', async () => {
    const options = connection({ worker: { queues: ['default'] } });
    await withApp({ providers: [NightlyWorkflow] }, () => boot(options), {
      redflow: { ...options, worker: { queues: ['reports'] } },
    });
    expect(warnings).toEqual([]);
  });

  it('does not warn with a worker for all queues, or none', async () => {
    await boot({});
    expect(warnings).toEqual([]);
    await boot({ worker: false });
    expect(warnings).toEqual([]);
  });
});
