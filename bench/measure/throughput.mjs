/**
 * Drains a backlog: the runs are created first, then the worker starts. The time is that from the first handler's begin to the
 * last run's end in Redis, both seen in the worker process; creation and connecting are outside.
 */
export async function measureThroughput({ system, worker, server, round, kind, concurrency, count, profile }) {
  await server.reset();
  const producer = system.createProducer({ url: server.url, round });
  await producer.addMany(
    kind,
    Array.from({ length: count }, (_, i) => ({ i })),
  );
  await producer.close();
  await server.redis.config('RESETSTAT');
  const redisCpuUs = await server.cpuUs();
  await worker.ask('start', { round, concurrency, profile });
  const { elapsedMs, cpuUs } = await worker.ask('drained', count);
  const result = {
    perSecond: (count / elapsedMs) * 1_000,
    nodeUs: cpuUs / count,
    redisUs: ((await server.cpuUs()) - redisCpuUs) / count,
    ...perRun(await server.scriptCalls(), count),
  };
  await worker.ask('stop');
  return result;
}

function perRun({ calls, us }, count) {
  return { scriptCalls: calls / count, scriptUs: us / count };
}
