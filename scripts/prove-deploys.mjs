// Shows what rolling deploys do to runs, events, schedules and versions: `node scripts/prove-deploys.mjs [scenario or "all"] [orders per second]`,
// after a build. Five workers of a shop are deployed anew while orders, bills, events and schedules of every second go on, beside a mail
// service that knows nothing of it. Prints a table per scenario; the exit code is 1 if something was lost, done too often, fired though it
// was removed, or never ended.
import { setTimeout as delay } from 'node:timers/promises';
import { RollingDeploy } from '../test/support/rolling-deploy.mjs';

const WORKERS = 5;
const MOST_NAMED = 20;

/** The old build holds until a new worker is ready, and is there until its last worker is told to stop. */
const roll = async (deploy) => {
  let loop;
  for (let at = 0; at < WORKERS; at++) {
    if (at === 0) deploy.phase({ old: true });
    if (at === WORKERS - 1) deploy.phase({ holder: 'new', new: true, fresh: true });
    const old = deploy.pods[at];
    [deploy.pods[at]] = await Promise.all([deploy.spawn('new'), old.end('SIGTERM')]);
    const hasOld = at < WORKERS - 1;
    deploy.phase({ holder: 'new', old: hasOld, new: true, fresh: true });
    await deploy.pace();
    if (at === 1) {
      await deploy.kill(deploy.pods[3]);
      deploy.pods[3] = await deploy.spawn('old');
    }
    if (at === 2) loop = deploy.crashLoop('new');
  }
  const crashes = await loop.stop();
  await deploy.pace();
  return { crashes };
};

const SCENARIOS = {
  /** One by one an old worker is told to stop and a new one starts. In the middle an old one is killed and restarts, then a new one crashes in a loop. */
  roll: { play: roll },
  /** The same with a name for each deployment. */
  named: { deployments: { old: 'build-7', new: 'build-8' }, play: roll },
  /** After three of five the deploy is taken back; an old worker is killed and restarts meanwhile. */
  'roll-back': {
    play: async (deploy) => {
      deploy.phase({ old: true });
      for (let at = 0; at < 3; at++) {
        const old = deploy.pods[at];
        [deploy.pods[at]] = await Promise.all([deploy.spawn('new'), old.end('SIGTERM')]);
        deploy.phase({ holder: 'new', old: true, new: true, fresh: true });
        await deploy.pace();
      }
      await deploy.kill(deploy.pods[4]);
      deploy.pods[4] = await deploy.spawn('old');
      for (let at = 2; at >= 0; at--) {
        if (at === 0) deploy.phase({ old: true, fresh: true });
        const withdrawn = deploy.pods[at];
        [deploy.pods[at]] = await Promise.all([deploy.spawn('old'), withdrawn.end('SIGTERM')]);
        if (at > 0) await deploy.pace();
      }
      const switchMs = await deploy.untilHeld('trim-second');
      deploy.phase({ holder: 'old', old: true, new: false, fresh: true });
      await deploy.pace(2);
      return { switchMs };
    },
  },
  /** The first new worker crashes in a loop and is given up: the old build holds again. */
  canary: {
    play: async (deploy) => {
      deploy.phase({ old: true });
      const loop = deploy.crashLoop('new');
      await deploy.pace(4);
      const crashes = await loop.stop();
      const switchMs = await deploy.untilHeld('trim-second');
      deploy.phase({ holder: 'old', old: true, new: false, fresh: true });
      await deploy.pace(2);
      return { crashes, switchMs };
    },
  },
};

async function prove(name, rate) {
  const { play, deployments } = SCENARIOS[name];
  const deploy = new RollingDeploy({ workers: WORKERS, rate, deployments });
  try {
    await deploy.begin();
    const notes = await play(deploy);
    const { latencies, violations, ...counts } = await deploy.judge();
    console.log(`\n${name}: ${JSON.stringify({ ...notes, ...counts, violations: violations.length })}`);
    console.table(latencies);
    for (const violation of violations.slice(0, MOST_NAMED)) console.log(`  ${violation}`);
    if (violations.length > 0) process.exitCode = 1;
  } finally {
    await Promise.race([deploy.close(), delay(30_000)]);
  }
}

const [wanted = 'all', rate = '10'] = process.argv.slice(2);
const names = wanted === 'all' ? Object.keys(SCENARIOS) : wanted.split(',');
if (names.some((name) => !(name in SCENARIOS))) {
  console.error(`Name scenarios: ${Object.keys(SCENARIOS).join(', ')}.`);
  process.exit(2);
}
for (const name of names) await prove(name, Number(rate));
process.exit();
