import { describe, expect, it } from '@jest/globals';
import { type CronTrigger, type WorkflowContext, type WorkflowOptions } from '../../lib/engine/index.js';
import { type Engine, startEngine, whenTestEnds, workflow } from '../support/engine.js';
import { eventually } from '../support/eventually.js';
import { firedTimes, moveTo, nextTime } from '../support/schedule-engine.js';

const flow = (name: string, options: WorkflowOptions = {}) => workflow(name, (ctx: WorkflowContext) => ctx.schedule, options);
const hourly: CronTrigger = { id: 'hourly', expression: '0 * * * *' };
const withSchedule = flow('report', { cron: [hourly], event: [{ name: 'order.*' }] });
const withoutSchedule = flow('report');

async function deployed(): Promise<Engine> {
  const engine = await startEngine({ workflows: [withSchedule, flow('other')], worker: { app: 'shop' } });
  expect(await scheduleIds(engine)).toEqual(['hourly']);
  return engine;
}

const scheduleIds = async (engine: Engine) => (await engine.client.listSchedules()).map(({ id }) => id);

describe('what left the code', () => {
  it('is removed at the next deploy of its application', async () => {
    const engine = await deployed();
    await engine.worker.stop();
    await engine.startWorker({ workflows: [withoutSchedule] });
    expect(await scheduleIds(engine)).toEqual([]);
    expect(await engine.client.listWorkflows()).toEqual(['report']);
    expect(await engine.client.listEventDefinitions()).toEqual([]);
    expect(await engine.client.emitEvent('order.paid', {})).toEqual([]);
  });

  it('stays while another living worker of the application declares it', async () => {
    const engine = await deployed();
    const old = engine.worker;
    await engine.startWorker({ workflows: [withoutSchedule] });
    expect(await scheduleIds(engine)).toEqual(['hourly']);
    expect(await engine.client.listWorkflows()).toEqual(['other', 'report']);
    await old.stop();
    await engine.startWorker({ workflows: [withoutSchedule] });
    expect(await scheduleIds(engine)).toEqual([]);
  });

  it('is not removed by another application', async () => {
    const engine = await deployed();
    await engine.worker.stop();
    await engine.startWorker({ app: 'blog', workflows: [flow('post')] });
    expect(await scheduleIds(engine)).toEqual(['hourly']);
    expect(await engine.client.listWorkflows()).toEqual(['other', 'post', 'report']);
  });

  it('is not removed by a worker that only goes on', async () => {
    const engine = await deployed();
    const old = engine.worker;
    await engine.startWorker({ workflows: [withoutSchedule], registryRecoveryIntervalMs: 20 });
    await old.stop();
    await engine.redis.hdel(engine.key('workflows'), 'report');
    await eventually(async () => expect(await engine.client.listWorkflows()).toEqual(['other', 'report']));
    expect(await scheduleIds(engine)).toEqual(['hourly']);
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

describe('a schedule that another application had', () => {
  it('is taken over with a warning', async () => {
    const engine = await deployed();
    await engine.startWorker({ app: 'blog', workflows: [flow('post', { cron: [hourly] })] });
    expect(engine.logs.matching('warn', /Schedule "hourly" belonged to application "shop" and is now of "blog"/)).toHaveLength(1);
    expect(await engine.client.listSchedules()).toMatchObject([{ id: 'hourly', workflow: 'post' }]);
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
