import { findOrStartRedis, TestRedisError } from 'nestjs-redflow/testing';
import { JobsApi } from './jobs-api.js';
import { ProcessGroup } from './process-group.js';

const API = new URL('./api.js', import.meta.url);
const WORKER = new URL('./worker.js', import.meta.url);

const startedAt = performance.now();
const group = new ProcessGroup();
let isInterrupted = false;

/** Starts what would be three deployments: an API and two workers. Kills one of them and shows what that does to the others. */
async function main(): Promise<void> {
  const { message: url } = await start('api', API);
  const api = new JobsApi(url, say);
  const [mailWorker] = await Promise.all([start('mail worker 1', WORKER, ['mail']), start('report worker', WORKER, ['reports'])]);

  await api.post('/reports', { month: '2026-10' });
  await api.post('/reports', { month: 'October' });
  const first = await api.post('/mails', { to: 'ada@example.com', subject: 'Your report' });

  await api.until(first.id, ({ done }) => done.includes('render'));
  await group.kill(mailWorker.child);
  say('mail worker 1', 'killed by SIGKILL; the first mail is rendered and not delivered');

  await api.post('/reports', { month: '2026-11' });
  const second = await api.post('/mails', { to: 'grace@example.com', subject: 'Yours, too' });
  say('starter', 'reports are written as before, mails wait in their queue');

  await start('mail worker 2', WORKER, ['mail']);
  const mails = [await api.end(first.id), await api.end(second.id)];
  if (mails.some(({ status }) => status !== 'succeeded')) process.exitCode = 1;
}

async function start(name: string, file: URL, args?: string[]) {
  const started = await group.start(name, file, args);
  say(name, `${started.message} (pid ${started.child.pid})`);
  return started;
}

function say(who: string, what: string): void {
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(`${seconds.padStart(5)} s  ${who.padEnd(14)} ${what}`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (!isInterrupted) say('starter', `${signal}: stopping`);
    isInterrupted = true;
    void group.stop();
  });
}

try {
  // The processes inherit where Redis is, and a namespace of their own in it.
  const redis = await findOrStartRedis({ onMessage: (line) => say('redis', line) });
  process.env.REDIS_URL = redis.url;
  process.env.REDFLOW_PREFIX ||= `redflow-split:${Date.now().toString(36)}`;
  try {
    await main();
  } finally {
    await group.stop();
    await redis.stop();
    say('starter', 'all processes have ended');
  }
} catch (error) {
  process.exitCode = 1;
  // Cut off by a signal, the story has nothing to report. A TestRedisError says what to do; a stack would only hide it.
  if (!isInterrupted) console.error(error instanceof TestRedisError ? error.message : error);
}
