// Proves by hand that no two runs execute under one mutex key: `node scripts/prove-mutex.mjs [runs] [keys]`, after a build. Three workers
// execute the runs while one of them is killed every second. Each run writes its id under its key when it enters and finds it there
// when it leaves; one that finds another's has met a second holder. A run that was killed leaves its id, and must be the next to enter.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { createClient, createRegistry, defineWorkflow, startWorker } from '../dist/engine/index.js';
import { startRedis } from '../dist/testing/index.js';

const WORKERS = 3;
const prefix = 'prove-mutex';

async function work(url) {
  const redis = new Redis(url);
  const enter = async (key, id) => {
    const inside = await redis.set(`inside:${key}`, id, 'NX', 'GET');
    if (inside !== null && inside !== id) await redis.incr('violations');
  };
  const leave = async (key, id) => {
    if ((await redis.get(`inside:${key}`)) === id) await redis.del(`inside:${key}`);
    else await redis.incr('violations');
  };
  const exclusive = defineWorkflow('exclusive', {
    registry: createRegistry(),
    handler: async (ctx) => {
      await enter(ctx.input, ctx.run.id);
      await ctx.step.run('work', () => new Promise((resolve) => setTimeout(resolve, 2)));
      // In a last step of its own the exit would be replayed after a kill.
      await leave(ctx.input, ctx.run.id);
    },
  });
  await startWorker({ url, prefix, workflows: [exclusive], leaseMs: 1_000, reaperIntervalMs: 200, maxRecoveries: 1_000 });
  process.send('ready');
}

async function prove(runs, keys) {
  const server = await startRedis({ appendonly: false });
  const redis = new Redis(server.url);
  const client = createClient({ url: server.url, prefix });
  await client.pauseQueue('default');
  const items = Array.from({ length: runs }, (_, index) => ({ input: `key ${index % keys}`, runId: `r${index}` }));
  await client.runMany(
    'exclusive',
    items.map((item) => ({ ...item, allowUnknown: true })),
  );
  const mutexes = redis.pipeline();
  for (const { input, runId } of items) mutexes.hset(`{${prefix}}:run:${runId}`, 'mx', input);
  await mutexes.exec();
  const file = fileURLToPath(import.meta.url);
  const start = () => fork(file, ['work', server.url], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const workers = Array.from({ length: WORKERS }, start);
  await client.resumeQueue('default');
  let kills = 0;
  const began = Date.now();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const { runs: counts } = await client.getStats();
    if (counts.succeeded + counts.failed === runs) {
      const violations = Number((await redis.get('violations')) ?? 0);
      const seconds = Math.round((Date.now() - began) / 1_000);
      console.log(JSON.stringify({ runs, keys, kills, seconds, failed: counts.failed, violations }));
      process.exitCode = violations + counts.failed === 0 ? 0 : 1;
      break;
    }
    const victim = kills++ % WORKERS;
    workers[victim].kill('SIGKILL');
    workers[victim] = start();
  }
  for (const worker of workers) worker.kill('SIGKILL');
  await client.close();
  redis.disconnect();
  await server.stop();
}

const [first, second] = process.argv.slice(2);
if (first === 'work') await work(second);
else await prove(Number(first ?? 10_000), Number(second ?? 50));
