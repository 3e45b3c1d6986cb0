import { setTimeout as delay } from 'node:timers/promises';

const INPUT = { text: 'x'.repeat(189) };
const CONCURRENCY = 50;

/**
 * Bytes that one more completed 3-step run with an input of 200 bytes keeps in Redis. The first runs are not counted: they pay for
 * scripts, and for logs of a bounded length such as BullMQ's event stream.
 */
export async function measureMemory({ system, worker, server, round, count }) {
  await server.reset();
  const producer = system.createProducer({ url: server.url, round });
  await worker.ask('start', { round, concurrency: CONCURRENCY });
  const complete = async (runs, total) => {
    await producer.addMany('steps', Array(runs).fill(INPUT));
    await worker.ask('drained', total);
    while (!(await system.isTidy(server.redis, round))) await delay(100);
    return server.settledMemory();
  };
  const uncounted = Math.ceil(count * 0.6);
  const before = await complete(uncounted, uncounted);
  const after = await complete(count, uncounted + count);
  await worker.ask('stop');
  await producer.close();
  return { bytesPerRun: (after - before) / count };
}
