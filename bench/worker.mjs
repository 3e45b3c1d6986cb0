// The process under test: executes runs of one system, driven by messages from the measuring process.
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { clockMs } from './measure/clock.mjs';
import { recordProfile } from './measure/profile.mjs';

const [systemFile, url] = process.argv.slice(2);
const system = await import(systemFile);
const redis = new Redis(url);

let worker;
let round;
let begunRuns = 0;
let firstBeginMs = 0;
let beginsMs = [];
let cpuAtStart;
let finishProfile;

function begun({ probe }) {
  if (begunRuns++ === 0) firstBeginMs = clockMs();
  if (probe !== undefined) beginsMs[probe] = clockMs();
}

const commands = {
  async start(options) {
    round = options.round;
    begunRuns = 0;
    beginsMs = [];
    finishProfile = options.profile ? await recordProfile(options.profile) : undefined;
    cpuAtStart = process.cpuUsage();
    worker = await system.startWorker({ url, begun, ...options });
  },

  /** Resolves when `count` runs have ended in Redis. */
  async drained(count) {
    while (begunRuns < count || (await system.countEnded(redis, round)) < count) await delay(1);
    const elapsedMs = clockMs() - firstBeginMs;
    const { user, system: kernel } = process.cpuUsage(cpuAtStart);
    await finishProfile?.();
    return { elapsedMs, cpuUs: user + kernel };
  },

  /** When each probe's handler began. */
  begins: () => beginsMs,

  async stop() {
    await worker.stop();
  },
};

process.on('message', async ({ command, argument }) => {
  try {
    process.send({ answer: await commands[command](argument) });
  } catch (error) {
    process.send({ error: error.stack });
  }
});
process.on('disconnect', () => process.exit());
process.send({ answer: 'ready' });
