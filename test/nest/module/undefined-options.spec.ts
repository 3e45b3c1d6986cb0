import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  createRegistry,
  defineEvent,
  defineWorkflow,
  OnCron,
  OnEvent,
  RedflowHealthIndicator,
  type RedflowModuleOptions,
  Step,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { runInline } from '../../../lib/testing/index.js';
import { connection, withApp } from '../fixtures.js';

/** All of these keys, undefined: as configuration hands on what it does not have. */
const none = (keys: string): Record<string, undefined> => Object.fromEntries(keys.split(' ').map((key) => [key, undefined]));

const RETRIES = 'maxAttempts delay shouldRetry';
const STEP = none('timeout maxAttempts retries compensate');
const CREATE = none('runId runAt queue idempotencyKey idempotencyTtl onConflict allowUnknown priority tags maxAttempts version');
const CHILD = none('runAt queue idempotencyKey idempotencyTtl priority tags');
const METHOD = none(
  'queue maxAttempts retries timeout maxConcurrency mutex throttle rateLimit debounce priority version tags input',
);
const WORKFLOW = { ...METHOD, ...none('event cron') };
const WORKER = none(
  'app deployment queues concurrency leaseMs blockTimeoutMs reaperIntervalMs reaperBatchSize watchdog historyCleanupIntervalMs ' +
    'registryRecoveryIntervalMs shutdownTimeoutMs cancelGraceMs maxRecoveries',
);

const told = defineEvent<string>('told', none('schema'));
const defined = defineWorkflow('defined', {
  ...WORKFLOW,
  ...none('current'),
  ...none('onFailure'),
  registry: createRegistry(),
  handler: () => 'defined',
});

@Workflow({ ...WORKFLOW, ...none('name connection current') })
class EverythingWorkflow {
  async run({ step, input }: WorkflowContext<string>): Promise<string> {
    await step.run('one', () => 1, STEP);
    await step.run('two', () => 2, { retries: none(RETRIES), compensate: { run: () => {}, ...none('retries') } });
    await step.emitEvent('tell', told, input, none('eventId correlationKey'));
    await step.waitForEvent('hear', { event: told, correlationKey: 'none', timeout: 1, ...none('lookback') });
    await step.waitForAny('any', { timer: { for: 1 }, heard: { event: told, correlationKey: 'none', ...none('lookback') } });
    const output = await step.runWorkflow('child', ChildWorkflow, undefined, { ...CHILD, ...none('timeout') });
    return `${input} ${output}`;
  }
}

@Workflow({ name: 'child', ...WORKFLOW, retries: { maxAttempts: 1, ...none('delay shouldRetry') } })
class ChildWorkflow {
  async run(_ctx: WorkflowContext<void>): Promise<string> {
    return 'child';
  }
}

@Injectable()
class Listener {
  @OnEvent(told, { ...METHOD, ...none('name connection current if') })
  @Step(none('name timeout maxAttempts retries compensate'))
  async hear(): Promise<void> {}

  @OnCron('0 0 1 1 *', none('name id timezone input misfire queue'))
  async tick(): Promise<void> {}
}

const providers = [EverythingWorkflow, ChildWorkflow, Listener];

describe('options that are undefined', () => {
  it('are as options that are left out, of modules, workers, workflows, steps, creates and queries', async () => {
    const redflow: RedflowModuleOptions = {
      ...none('app connection maxPayloadBytes codec context waitReplicas retention forgetAfter name isGlobal'),
      ...connection({
        worker: { ...WORKER, watchdog: none('enabled intervalMs stalledForMs') },
        workflows: { child: { ...WORKFLOW, retries: none(RETRIES) }, ...none('everything-workflow') },
        defaults: WORKFLOW,
      }),
    };
    await withApp(
      { providers },
      async ({ module, client }) => {
        const handle = await client.run(EverythingWorkflow, 'hi', CREATE);
        expect(await handle.result(none('timeoutMs signal'))).toBe('hi child');
        expect(await handle.cancel(none('reason compensate'))).toMatchObject({ canceled: false });
        expect(await handle.getState()).toMatchObject({ queue: 'default', maxAttempts: 3, priority: 0, tags: {} });
        const [child] = await client.runMany(ChildWorkflow, [{ input: undefined, ...CREATE }]);
        expect(await child.result()).toBe('child');
        expect(await child.getState()).toMatchObject({ maxAttempts: 1 });
        const runs = 'status workflow queue tag parentRunId createdAfter createdBefore sort limit cursor';
        expect((await client.listRuns(none(runs))).items.length).toBeGreaterThan(2);
        expect((await client.searchRuns({ text: handle.id, ...none('sort limit cursor') })).items).toHaveLength(1);
        expect((await client.listEvents(none('name sort limit cursor'))).items).toHaveLength(1);
        expect(await client.emitEvent(told, 'there', none('eventId correlationKey ts'))).toHaveLength(1);
        expect(await client.cancelRuns({ workflow: 'none', ...none('status') }, none('reason'))).toEqual({ canceled: 0 });
        await client.cleanupExpiredRunsNow(none('limit'));
        await client.cleanupExpiredEventsNow(none('limit'));
        const indicator = module.get(RedflowHealthIndicator, { strict: false });
        expect(await indicator.isHealthy('redflow', none('timeoutMs'))).toMatchObject({ redflow: { status: 'up' } });
      },
      { redflow },
    );
  });

  it('leave the worker the application of the module', async () => {
    const options = connection({ app: 'shop', worker: WORKER });
    await withApp(
      { providers },
      async ({ client }) => expect(await client.getWorkflowMeta('child')).toMatchObject({ app: 'shop' }),
      { redflow: options },
    );
  });

  it('are as options that are left out, of inline runs', async () => {
    const events: unknown[] = [];
    @Workflow('inline')
    class InlineWorkflow {
      async run(ctx: WorkflowContext<string>): Promise<string> {
        events.push(ctx.event);
        return ctx.run.queue;
      }
    }
    const fields = 'id queue attempt maxAttempts priority tags trigger parentRunId parentStep rootRunId idempotencyKey';
    const result = await runInline(new InlineWorkflow(), {
      input: 'hi',
      ...none('stepOverrides schedule signal children maxPayloadBytes logger'),
      run: none(fields),
      event: { name: 'told', ...none('id ts correlationKey') },
    });
    expect(result.output).toBe('default');
    expect(events).toEqual([{ id: expect.any(String), ts: expect.any(Number), name: 'told', data: 'hi' }]);
    expect((await runInline(defined, { input: undefined })).output).toBe('defined');
  });
});
