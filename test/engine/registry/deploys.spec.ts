import { describe, expect, it } from '@jest/globals';
import {
  type CronTrigger,
  createRegistry,
  defineWorkflow,
  RedflowClient,
  UnknownWorkflowError,
  type WorkflowContext,
  type WorkflowOptions,
  WorkflowServedError,
} from '../../../lib/engine/index.js';
import type { RunWorker } from '../../../lib/engine/worker/run-worker.js';
import { type Engine, rejection, startEngine, whenTestEnds, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { informedClient } from '../../support/informed-client.js';
import { testRedisUrl } from '../../support/namespace.js';
import { firedTimes, moveTo, nextTime } from '../../support/schedule-engine.js';

const flow = (name: string, options: WorkflowOptions = {}) => workflow(name, (ctx: WorkflowContext) => ctx.schedule, options);
const hourly: CronTrigger = { id: 'hourly', expression: '0 * * * *' };
const withSchedule = flow('report', { cron: [hourly], event: [{ name: 'order.*' }] });
const withoutSchedule = flow('report');

async function deployed(): Promise<Engine> {
  const engine = await startEngine({ workflows: [withSchedule, flow('other')] });
  expect(await scheduleIds(engine)).toEqual(['hourly']);
  return engine;
}

const scheduleIds = async (engine: Engine) => (await engine.client.listSchedules()).map(({ id }) => id);
const patterns = async (engine: Engine) => (await engine.client.listEventDefinitions()).map(({ name }) => name);

describe('what a workflow no longer declares', () => {
  it('is removed at the next deploy; its name stays, and that of a workflow that left the code', async () => {
    const engine = await deployed();
    await engine.worker.stop();
    await engine.startWorker({ workflows: [withoutSchedule] });
    expect(await scheduleIds(engine)).toEqual([]);
    expect(await engine.client.listWorkflows()).toEqual(['other', 'report']);
    expect(await patterns(engine)).toEqual([]);
    expect(await engine.client.emitEvent('order.paid', {})).toEqual([]);
  });

  it('is removed while old workers still run, also for events that their code emits', async () => {
    const registry = createRegistry();
    defineWorkflow('report', { handler: () => 'old', event: [{ name: 'order.*' }], registry });
    const engine = await startEngine({ registry });
    const oldPod = new RedflowClient({ url: testRedisUrl(), prefix: engine.prefix }, { registry });
    whenTestEnds(() => oldPod.close());
    expect(await oldPod.emitEvent('order.paid', {})).toHaveLength(1);
    await engine.startWorker({ registry: undefined, workflows: [withoutSchedule] });
    expect(await patterns(engine)).toEqual([]);
    expect(await oldPod.emitEvent('order.paid', {})).toEqual([]);
  });

  it('is removed by the younger deployment though an old worker restarts beside another one', async () => {
    const engine = await deployed();
    const old = engine.worker;
    await engine.startWorker();
    await engine.startWorker({ workflows: [withoutSchedule] });
    await old.stop();
    await engine.startWorker({ registryRecoveryIntervalMs: 20 });
    await engine.redis.hdel(engine.key('workflows'), 'report');
    await eventually(async () => expect(await engine.client.listWorkflows()).toEqual(['other', 'report']));
    expect(await scheduleIds(engine)).toEqual([]);
    expect(await patterns(engine)).toEqual([]);
  });

  it('comes back with a roll-back', async () => {
    const engine = await deployed();
    await engine.client.pauseSchedule('hourly');
    await engine.worker.stop();
    const next = await engine.startWorker({ workflows: [withoutSchedule] });
    expect(await scheduleIds(engine)).toEqual([]);
    await engine.startWorker();
    await next.stop();
    expect(await engine.client.listSchedules()).toMatchObject([{ id: 'hourly', paused: true }]);
    expect(await patterns(engine)).toEqual(['order.*']);
  });

  it('comes back, and fires, while a new deployment crashes in a loop', async () => {
    const engine = await startEngine({ workflows: [withSchedule], worker: false });
    await moveTo(engine, '2040-01-10T07:30Z');
    await engine.startWorker({ reaperIntervalMs: 20 });
    for (let crash = 0; crash < 3; crash++) {
      const broken = (await engine.startWorker({ workflows: [withoutSchedule], leaseMs: 200 })) as RunWorker;
      expect(await scheduleIds(engine)).toEqual([]);
      await broken.crash();
      await eventually(async () => expect(await nextTime(engine, 'hourly')).toBe('2040-01-10T08:00Z'));
    }
    await moveTo(engine, '2040-01-10T08:00Z');
    expect(await firedTimes(engine, 1)).toEqual(['2040-01-10T08:00Z']);
  });
});

describe('the run of an event', () => {
  const subscribed = flow('report', { event: [{ name: 'order.*' }] });

  it.each([
    ['added', { before: withoutSchedule, after: subscribed, executor: 'old' }],
    ['removed', { before: subscribed, after: withoutSchedule, executor: 'new' }],
  ])('whose subscription a deploy has %s is executed by a worker of the build without it', async (_what, deploy) => {
    const engine = await startEngine({ workflows: [deploy.before] });
    const { worker: old } = engine;
    const stranger = informedClient(engine);
    await engine.client.pauseQueue('default');
    if (deploy.executor === 'new') await stranger.emitEvent('order.paid', {}, { eventId: 'paid' });
    const next = await engine.startWorker({ workflows: [deploy.after] });
    if (deploy.executor === 'old') await stranger.emitEvent('order.paid', {}, { eventId: 'paid' });
    await (deploy.executor === 'old' ? next : old).stop();
    await engine.client.resumeQueue('default');
    const { deliveries } = (await engine.client.getEvent('paid')) ?? {};
    expect(deliveries).toMatchObject([{ workflow: 'report', status: 'delivered' }]);
    await engine.until(deliveries?.[0].runId ?? '', 'succeeded');
  });
});

describe('a service that is down', () => {
  const seen: string[] = [];
  const invoice = workflow('invoice', (ctx: WorkflowContext<string>) => void seen.push(ctx.input), {
    event: [{ name: 'order.paid' }],
    cron: [hourly],
  });

  it('loses no event, no pause and no name to another one with the same app', async () => {
    const engine = await startEngine({ workflows: [invoice] });
    await engine.client.pauseSchedule('hourly');
    await engine.worker.stop();
    await engine.startWorker({ workflows: [flow('mail')] });
    expect(await engine.client.emitEvent('order.paid', 'event')).toHaveLength(1);
    await engine.client.runByName('invoice', 'by name');
    await engine.startWorker({ workflows: [invoice] });
    await eventually(async () => expect([...seen].sort()).toEqual(['by name', 'event']));
    expect(await engine.client.listSchedules()).toMatchObject([{ id: 'hourly', paused: true }]);
  });

  it('is named by boot, getStats and health from the first minute', async () => {
    const engine = await startEngine({ workflows: [invoice] });
    await engine.worker.stop();
    await engine.startWorker({ workflows: [flow('mail')] });
    expect(engine.logs.matching('warn', /No living worker serves workflow "invoice":/)).toHaveLength(1);
    expect((await engine.client.getStats()).unserved).toEqual([{ workflow: 'invoice', queue: 'default', runs: 0 }]);
    await engine.startWorker({ workflows: [invoice] });
    expect((await engine.client.getStats()).unserved).toEqual([]);
  });

  it('is forgotten after a time that its own workers say, with a line in the log, and its runs are kept', async () => {
    const engine = await startEngine({ workflows: [invoice], worker: { forgetAfter: '2d' } });
    await engine.worker.stop();
    const { id } = await engine.client.runByName('invoice', 'waits');
    await engine.startWorker({ workflows: [flow('mail')], forgetAfter: '1h', historyCleanupIntervalMs: 20 });
    await engine.advance(2 * 86_400_000 - 60_000);
    await engine.client.runByName('invoice', 'still known');
    await engine.advance(60_000);
    await eventually(async () => expect(await engine.client.listWorkflows()).toEqual(['mail']));
    expect(await scheduleIds(engine)).toEqual([]);
    expect(await patterns(engine)).toEqual([]);
    expect(await engine.client.getRun(id)).toMatchObject({ workflow: 'invoice', input: 'waits' });
    await eventually(() => expect(engine.logs.matching('warn', /"invoice" was forgotten/)).toHaveLength(1));
  });
});

describe('client.forgetWorkflow()', () => {
  it('forgets a workflow that nobody serves', async () => {
    const engine = await deployed();
    await engine.worker.stop();
    await engine.client.forgetWorkflow('report');
    expect(await engine.client.listWorkflows()).toEqual(['other']);
    expect(await scheduleIds(engine)).toEqual([]);
    const again = await rejection(engine.client.forgetWorkflow('report'));
    expect(again).toBeInstanceOf(UnknownWorkflowError);
  });

  it('refuses while a living worker serves it', async () => {
    const engine = await deployed();
    const error = await rejection(engine.client.forgetWorkflow('report'));
    expect(error).toBeInstanceOf(WorkflowServedError);
    expect(error).toMatchObject({ code: 'WORKFLOW_SERVED', workflow: 'report' });
    expect(await scheduleIds(engine)).toEqual(['hourly']);
  });

  it('names close matches of a name that is unknown, whatever that is', async () => {
    const engine = await deployed();
    expect(await rejection(engine.client.forgetWorkflow('reprot'))).toMatchObject({ suggestions: ['report'] });
    expect(await rejection(engine.client.forgetWorkflow('a\nb'))).toBeInstanceOf(UnknownWorkflowError);
  });
});

describe('an outage', () => {
  it('removes nothing: a schedule is where it was', async () => {
    const engine = await startEngine({ workflows: [withSchedule], worker: false });
    await moveTo(engine, '2040-01-10T07:30Z');
    await engine.startWorker();
    await engine.client.pauseSchedule('hourly');
    const before = await engine.redis.hgetall(engine.key('schedule:hourly'));
    await engine.worker.stop();
    await moveTo(engine, '2040-01-10T07:50Z');
    await engine.startWorker();
    expect(await engine.redis.hgetall(engine.key('schedule:hourly'))).toEqual(before);
  });
});

describe('a schedule whose times changed', () => {
  it('goes by the new ones, and a worker of the older code keeps its hands off', async () => {
    const engine = await startEngine({ workflows: [withSchedule], worker: false });
    await moveTo(engine, '2040-01-10T07:30Z');
    await engine.startWorker({ registryRecoveryIntervalMs: 20 });
    const changed = flow('report', { cron: [{ ...hourly, expression: '15 * * * *' }] });
    await engine.startWorker({ workflows: [changed], registryRecoveryIntervalMs: 20 });
    expect(await nextTime(engine, 'hourly')).toBe('2040-01-10T08:15Z');
    await moveTo(engine, '2040-01-10T08:00Z');
    await moveTo(engine, '2040-01-10T08:15Z');
    expect(await firedTimes(engine, 1)).toEqual(['2040-01-10T08:15Z']);
    await moveTo(engine, '2040-01-10T09:15Z');
    expect(await firedTimes(engine, 2)).toEqual(['2040-01-10T08:15Z', '2040-01-10T09:15Z']);
    expect(await nextTime(engine, 'hourly')).toBe('2040-01-10T10:15Z');
  });
});

describe('a schedule id that two workflows declare', () => {
  it('is said to both, and the younger deployment has it', async () => {
    const engine = await deployed();
    await engine.startWorker({ workflows: [flow('post', { cron: [hourly] })] });
    expect(engine.logs.matching('warn', /Schedule "hourly" was of workflow "report" and is now of "post"/)).toHaveLength(1);
    expect(await engine.client.listSchedules()).toMatchObject([{ id: 'hourly', workflow: 'post' }]);
    await engine.startWorker();
    expect(
      engine.logs.matching('warn', /"hourly" of workflow "report" does not fire: workflow "post", which is served/),
    ).toHaveLength(1);
  });
});

describe('schedules that Redis lost', () => {
  it('come back and go on', async () => {
    const engine = await startEngine({ workflows: [withSchedule], worker: false });
    await moveTo(engine, '2040-01-10T07:30Z');
    await engine.startWorker({ registryRecoveryIntervalMs: 20 });
    await engine.redis.del(engine.key('schedule:hourly'), engine.key('schedules'));
    await eventually(async () => expect(await nextTime(engine, 'hourly')).toBe('2040-01-10T08:00Z'));
    await moveTo(engine, '2040-01-10T08:00Z');
    expect(await firedTimes(engine, 1)).toEqual(['2040-01-10T08:00Z']);
  });
});

describe('the deployment of a worker', () => {
  it('is named by the option, else by the environment, else by what it declares', async () => {
    const engine = await startEngine({ workflows: [withSchedule] });
    await engine.startWorker();
    const other = await engine.startWorker({ workflows: [withoutSchedule] });
    const named = await engine.startWorker({ deployment: 'release 7' });
    const { workers } = await engine.client.getStats();
    const deploymentOf = (id: string) => workers.find((worker) => worker.id === id)?.deployment ?? '';
    expect(deploymentOf(named.id)).toBe('release 7');
    expect(deploymentOf(other.id)).toMatch(/^[0-9a-f]{12}$/);
    expect(new Set(workers.map(({ deployment }) => deployment)).size).toBe(3);
  });

  it('that the environment names badly is refused by the name of the variable', async () => {
    process.env.REDFLOW_DEPLOYMENT = 'two\nlines';
    whenTestEnds(async () => delete process.env.REDFLOW_DEPLOYMENT);
    await expect(startEngine({ workflows: [withSchedule] })).rejects.toThrow(/environment variable REDFLOW_DEPLOYMENT/);
  });
});
