import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { OrphanGuard } from '../../lib/testing/redis-server/orphan-guard.js';
import { findRedisExecutable } from '../../lib/testing/redis-server/redis-executable.js';
import { whenTestEnds } from './engine.js';
import { eventually } from './eventually.js';

const HOST = '127.0.0.1';

/** A Sentinel that watches one primary by itself. */
export interface Sentinel {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  /** Not through the engine. */
  readonly redis: Redis;
}

/** A Sentinel that is stopped when the test ends, once it knows the primary and so many replicas. */
export async function startSentinel(primaryPort: number, replicas = 0): Promise<Sentinel> {
  const executable = findRedisExecutable();
  if (executable === undefined) throw new Error('No redis-server on PATH.');
  const dir = await mkdtemp(join(tmpdir(), 'redflow-sentinel-'));
  const port = await freePort();
  const name = 'mymaster';
  const config = join(dir, 'sentinel.conf');
  await writeFile(
    config,
    [
      `port ${port}`,
      `bind ${HOST}`,
      `dir ${dir}`,
      `sentinel monitor ${name} ${HOST} ${primaryPort} 1`,
      `sentinel down-after-milliseconds ${name} 1000`,
      `sentinel failover-timeout ${name} 5000`,
    ].join('\n'),
  );
  const child = spawn(executable, [config, '--sentinel'], { stdio: 'ignore' });
  const guard = new OrphanGuard(dir);
  guard.watch(child.pid);
  const redis = new Redis({ host: HOST, port });
  redis.on('error', () => {
    // Refused until it listens.
  });
  whenTestEnds(async () => {
    redis.disconnect();
    const exited = once(child, 'exit');
    if (child.kill('SIGKILL')) await exited;
    await rm(dir, { recursive: true, force: true });
    guard.release();
  });
  await eventually(async () => {
    const known = (await redis.call('SENTINEL', 'REPLICAS', name)) as unknown[];
    return known.length >= replicas;
  }, 'the Sentinel knows the replicas');
  return { host: HOST, port, name, redis };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, HOST);
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
