import { Agent, request } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import {
  type BeforeApplicationShutdown,
  Controller,
  Get,
  type INestApplication,
  Injectable,
  type ModuleMetadata,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  ConnectionError,
  RedflowClient,
  RedflowModule,
  type RedflowModuleOptions,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { RedflowTestingModule } from '../../../lib/testing/index.js';
import { compileApp, connection, gate, redisUrl, withApp } from '../fixtures.js';

@Workflow('approval')
class ApprovalWorkflow {
  async run(ctx: WorkflowContext<void>): Promise<void> {
    await ctx.step.waitForEvent('approved', { event: 'approved', correlationKey: ctx.run.id });
  }
}

@Workflow('quick')
class QuickWorkflow {
  async run(_ctx: WorkflowContext<void>): Promise<string> {
    return 'done';
  }
}

let waiting = gate();
let refused: unknown;

@Controller()
class ApprovalController {
  constructor(private readonly client: RedflowClient) {}

  @Get()
  async approve(): Promise<void> {
    const handle = await this.client.run(ApprovalWorkflow, undefined, { runId: 'awaited' });
    waiting.reach();
    await handle.result().catch((error) => {
      refused = error;
      throw error;
    });
  }
}

/** The status of a request whose connection is kept alive, as those of proxies are. */
function requestOf(app: INestApplication, agent: Agent): Promise<number | undefined> {
  const { port } = app.getHttpServer().address();
  return new Promise((resolve, reject) => {
    const sent = request({ agent, host: '127.0.0.1', port }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    });
    sent.on('error', reject).end();
  });
}

async function startServer(metadata: ModuleMetadata): Promise<INestApplication> {
  const app = (await Test.createTestingModule(metadata).compile()).createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  return app;
}

function expectGoingOn(error: unknown, runId: string): void {
  expect(error).toBeInstanceOf(ConnectionError);
  expect(error).toMatchObject({ code: 'CONNECTION', runId });
  expect((error as Error).message).toContain(`run "${runId}". The run goes on`);
}

describe('app.close() while a result is awaited', () => {
  it.each<[string, RedflowModuleOptions]>([
    ['with a worker', connection()],
    ['without a worker', connection({ worker: false })],
    ['by a module that is not global', connection({ isGlobal: false })],
  ])('answers the request of an application %s, and the run goes on', async (_kind, options) => {
    [waiting, refused] = [gate(), undefined];
    const app = await startServer({
      imports: [RedflowModule.forRoot(options)],
      controllers: [ApprovalController],
      providers: [ApprovalWorkflow],
    });
    const agent = new Agent({ keepAlive: true });
    const answered = requestOf(app, agent);
    await waiting.reached;
    await app.close();
    agent.destroy();
    expect(await answered).toBe(500);
    expectGoingOn(refused, 'awaited');
    await withApp({}, async ({ client }) => expect(['queued', 'waiting']).toContain((await client.getRun('awaited'))?.status), {
      redflow: { ...options, worker: false },
    });
  });

  it('answers the request of an application under test', async () => {
    [waiting, refused] = [gate(), undefined];
    const app = await startServer({
      imports: [RedflowTestingModule.forRoot({ url: redisUrl() })],
      controllers: [ApprovalController],
      providers: [ApprovalWorkflow],
    });
    const answered = requestOf(app, new Agent());
    await waiting.reached;
    await app.close();
    expect(await answered).toBe(500);
    expectGoingOn(refused, 'awaited');
  });

  it.each(['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown'] as const)(
    'ends a wait that holds %s of another provider up',
    async (hook) => {
      @Injectable()
      class Patient implements Partial<OnModuleDestroy & BeforeApplicationShutdown & OnApplicationShutdown> {
        error: unknown;

        constructor(client: RedflowClient) {
          const handle = client.getHandle('held');
          this[hook] = async () => {
            this.error = await handle.result().catch((error) => error);
          };
        }

        onModuleDestroy?(): Promise<void>;
        beforeApplicationShutdown?(): Promise<void>;
        onApplicationShutdown?(): Promise<void>;
      }
      const error = await withApp(
        { providers: [ApprovalWorkflow, Patient] },
        async ({ module, client }) => {
          await client.run(ApprovalWorkflow, undefined, { runId: 'held' });
          await module.close();
          return module.get(Patient).error;
        },
        { redflow: { worker: { shutdownTimeoutMs: 1 } } },
      );
      expectGoingOn(error, 'held');
    },
  );

  it('still gives the results of runs that have ended', async () => {
    @Injectable()
    class LastWords implements OnApplicationShutdown {
      result?: string;

      constructor(private readonly client: RedflowClient) {}

      async onApplicationShutdown(): Promise<void> {
        this.result = await this.client.getHandle<string>('ended').result();
      }
    }
    const module = await compileApp({ providers: [QuickWorkflow, LastWords] });
    await module.init();
    await (await module.get(RedflowClient).run(QuickWorkflow, undefined, { runId: 'ended' })).result();
    await module.close();
    expect(module.get(LastWords).result).toBe('done');
  });
});
