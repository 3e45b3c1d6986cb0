import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { Stage } from './stage.js';

const FIXTURE = 'parent-worker.mjs';

describe('a parent whose worker is killed', () => {
  it('has one child when it dies between starting it and parking', async () => {
    const stage = new Stage();
    const first = await stage.worker(FIXTURE);
    const handle = await stage.client.runByName('doomed', {});
    await first.exited;
    await stage.worker(FIXTURE);
    expect(await handle.result()).toBe(1);
    expect(await stage.counts(handle.id)).toEqual({ killer: 2, child: 1 });
    const children = (await stage.client.listRuns({ workflow: 'child' })).items;
    expect(children).toHaveLength(1);
    expect(children[0]).toMatchObject({ parentRunId: handle.id, parentStep: 'child' });
  });

  it('gets the output when its only worker dies while it waits', async () => {
    const stage = new Stage();
    const first = await stage.worker(FIXTURE);
    const handle = await stage.client.runByName('parent', {});
    await eventually(async () => expect((await stage.run(handle.id)).status).toBe('waiting'));
    await first.kill('SIGKILL');
    await stage.worker(FIXTURE);
    expect(await handle.result()).toBe(1);
    expect(await stage.counts(handle.id)).toEqual({ before: 1, child: 1 });
    expect((await stage.client.listRuns({ workflow: 'child' })).items).toHaveLength(1);
  });
});
