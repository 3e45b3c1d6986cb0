import { setTimeout as delay } from 'node:timers/promises';
import { clockMs } from './clock.mjs';

const CONCURRENCY = 10;
const UNMEASURED = 10;

/** No-op runs one at a time, each on an idle worker after a pause of 15 to 35 ms. Answers milliseconds, one per sample. */
export async function measureLatency({ system, worker, server, round, samples }) {
  await server.reset();
  const producer = system.createProducer({ url: server.url, round });
  await worker.ask('start', { round, concurrency: CONCURRENCY });
  const times = [];
  for (let probe = 0; probe < UNMEASURED + samples; probe++) {
    await delay(15 + Math.random() * 20);
    const created = clockMs();
    const { result } = await producer.add('noop', { probe });
    await result();
    times.push({ created, ended: clockMs() });
  }
  const begins = await worker.ask('begins');
  await worker.ask('stop');
  await producer.close();
  const measured = (of) => times.map(of).slice(UNMEASURED);
  return {
    startMs: measured(({ created }, probe) => begins[probe] - created),
    resultMs: measured(({ created, ended }) => ended - created),
  };
}
