import { afterEach, describe, expect, it } from '@jest/globals';
import { RollingDeploy, type RollingDeployOptions } from '../support/rolling-deploy.mjs';

const open: RollingDeploy[] = [];

afterEach(async () => {
  for (const deploy of open.splice(0)) await deploy.close();
});

/** Three workers have the old build. */
async function shop(options?: RollingDeployOptions): Promise<RollingDeploy> {
  const deploy = new RollingDeploy({ workers: 3, rate: 4, paceMs: 500, leaseMs: 2_000, ...options });
  open.push(deploy);
  await deploy.begin();
  return deploy;
}

/** Starts a worker of a build in the place of another. */
async function replace(deploy: RollingDeploy, at: number, build: 'old' | 'new'): Promise<void> {
  const leaving = deploy.pods[at];
  [deploy.pods[at]] = await Promise.all([deploy.spawn(build), leaving.end('SIGTERM')]);
}

async function expectNothingLost(deploy: RollingDeploy): Promise<void> {
  const { violations, refusals, events, rested } = await deploy.judge();
  expect(violations).toEqual([]);
  expect(refusals).toEqual({});
  expect(events).toBeGreaterThan(0);
  expect(rested).toBeGreaterThan(0);
}

describe('a rolling deploy that adds and removes workflows, subscriptions, schedules and versions under load', () => {
  it('loses no event and fires nothing that it has removed, though an old worker restarts and a new one crashes in a loop', async () => {
    const deploy = await shop();
    deploy.phase({ old: true });
    await replace(deploy, 0, 'new');
    deploy.phase({ holder: 'new', old: true, new: true, fresh: true });
    const loop = deploy.crashLoop('new');
    await deploy.kill(deploy.pods[2]);
    deploy.pods[2] = await deploy.spawn('old');
    await replace(deploy, 1, 'new');
    await deploy.pace();
    deploy.phase({ holder: 'new', new: true, fresh: true });
    await replace(deploy, 2, 'new');
    await loop.stop();
    deploy.phase({ holder: 'new', old: false, new: true, fresh: true });
    await deploy.pace(2);
    await expectNothingLost(deploy);
  });

  it('does so when it is taken back half way', async () => {
    const deploy = await shop({ deployments: { old: 'build-7', new: 'build-8' } });
    deploy.phase({ old: true });
    await replace(deploy, 0, 'new');
    deploy.phase({ holder: 'new', old: true, new: true, fresh: true });
    await deploy.pace(3);
    deploy.phase({ old: true, fresh: true });
    await replace(deploy, 0, 'old');
    await deploy.untilHeld('trim-second');
    deploy.phase({ holder: 'old', old: true, new: false, fresh: true });
    await deploy.pace(2);
    await expectNothingLost(deploy);
  });
});
