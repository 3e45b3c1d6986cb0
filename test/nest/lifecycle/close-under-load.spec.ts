import { expect, it } from '@jest/globals';
import { RedflowClient, Workflow, type WorkflowContext } from '../../../lib/index.js';
import { eventually } from '../../support/eventually.js';
import { compileApp, connection, withApp } from '../fixtures.js';

const RUNS = 200;
const done: string[] = [];
let isHeld = true;

@Workflow('busy')
class BusyWorkflow {
  async run(ctx: WorkflowContext<void>): Promise<void> {
    await ctx.step.run('work', () => void done.push(ctx.run.id));
    await ctx.step.run('hold', async ({ signal }) => {
      if (!isHeld || done.length < RUNS / 4) return;
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
  }
}

const sockets = () => process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length;

it('an application that closes under load hands its runs back at once, loses none and leaves no handle', async () => {
  const options = connection({ worker: { concurrency: 20, shutdownTimeoutMs: 1 } });
  const before = sockets();
  const module = await compileApp({ providers: [BusyWorkflow] }, { redflow: options });
  await module.init();
  const client = module.get(RedflowClient, { strict: false });
  const handles = await client.runMany(BusyWorkflow, Array<{ input: undefined }>(RUNS).fill({ input: undefined }));
  await eventually(async () => done.length >= RUNS / 4);
  await module.close();
  await eventually(async () => sockets() === before);

  isHeld = false;
  await withApp(
    { providers: [] },
    async ({ client: onlooker }) => {
      const { runs, workers } = await onlooker.getStats();
      expect(workers).toEqual([]);
      expect(runs).toMatchObject({ running: 0, failed: 0, canceled: 0 });
      expect(runs.succeeded + runs.queued).toBe(RUNS);
      expect(runs.queued).toBeGreaterThan(0);
    },
    { redflow: { ...options, worker: false } },
  );
  await withApp(
    { providers: [BusyWorkflow] },
    async ({ client: next }) => {
      await Promise.all(handles.map(({ id }) => next.getHandle(id).result()));
      const records = await Promise.all(handles.map(({ id }) => next.getRun(id)));
      expect(records.every((record) => record?.status === 'succeeded' && record.attempt === 1)).toBe(true);
    },
    { redflow: options },
  );
  // What had been committed was not done again.
  expect(new Set(done).size).toBe(RUNS);
  expect(done).toHaveLength(RUNS);
}, 60_000);
