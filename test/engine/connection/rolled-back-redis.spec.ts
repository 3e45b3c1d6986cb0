import { describe, expect, it } from '@jest/globals';
import type { WorkflowContext } from '../../../lib/engine/index.js';
import { gate, startEngine, workflow } from '../../support/engine.js';
import { plainClient, privateRedis } from '../../support/engine-room.js';
import { eventually } from '../../support/eventually.js';
import { ALWAYS_PARK } from '../../support/passes.js';

describe('a Redis that came back without its last second', () => {
  it('leaves no run with a worker that has finished it: it is executed again, its mutex passes on, its parent goes on', async () => {
    const server = await privateRedis();
    const { url } = server;
    const executed = new Map<string, number>();
    const finish = gate();
    const work = (ctx: WorkflowContext) =>
      ctx.step.run('work', () => {
        executed.set(ctx.run.id, (executed.get(ctx.run.id) ?? 0) + 1);
        return finish.promise;
      });
    const plain = workflow('plain', work);
    const locked = workflow('locked', work, { mutex: () => 'key' });
    const parent = workflow('parent', async (ctx: WorkflowContext) => {
      await ctx.step.runWorkflow('child', plain, undefined);
      return 'done';
    });
    const settings = { url, concurrency: 30, leaseMs: 3_000, reaperIntervalMs: 600_000 };
    const engine = await startEngine({ workflows: [plain, locked, parent], client: { url }, worker: settings });
    const handles = [
      ...(await engine.client.runMany(
        plain,
        Array.from({ length: 20 }, () => ({ input: undefined })),
      )),
      await engine.client.run(locked, undefined),
      await engine.client.run(locked, undefined),
      await engine.client.run(parent, undefined),
    ];
    await eventually(() => executed.size === 22);
    await engine.until(handles[22].id, 'waiting');
    const begun = [...executed.keys()];
    await plainClient(url).save();
    finish.open();
    for (const handle of handles) await handle.result();

    await server.kill();
    await server.restart();
    expect((await engine.client.getStats()).runs).toMatchObject({ running: 22, queued: 1, waiting: 1 });
    await eventually(async () => expect((await engine.client.getStats()).runs).toMatchObject({ succeeded: 24, running: 0 }));
    for (const id of begun) {
      expect(executed.get(id)).toBe(2);
      expect(await engine.client.getRun(id)).toMatchObject({ status: 'succeeded', attempt: 1, recoveries: 1 });
      const outcomes = (await engine.client.getRunAttempts(id)).map(({ outcome }) => outcome);
      expect(outcomes).toEqual(ALWAYS_PARK ? ['lost', 'handed_back', 'succeeded'] : ['lost', 'succeeded']);
    }
    const [{ fields }] = engine.logs.matching('warn', /runs that it does not hold/);
    expect([...(fields.runIds as string[])].sort()).toEqual(begun.sort());
  });
});
