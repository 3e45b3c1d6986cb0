import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { OrphanGuard } from '../../lib/testing/redis-server/orphan-guard.js';
import { findRedisExecutable } from '../../lib/testing/redis-server/redis-executable.js';
import { whenTestEnds } from './engine.js';
import { eventually } from './eventually.js';

const SLOTS = 16_384;
const HOST = '127.0.0.1';
/** From the port of a node to that of its bus. */
const BUS = 10_000;

export interface ClusterNode {
  readonly host: string;
  readonly port: number;
}

/** A Redis Cluster of primaries that share the slots evenly, in order; it is stopped when the test ends. */
export async function startCluster(size = 1): Promise<ClusterNode[]> {
  const nodes = await Promise.all(Array.from({ length: size }, startNode));
  await Promise.all(nodes.map(({ port }) => eventually(() => onNode(port, (redis) => redis.ping()), 'the node answers')));
  const share = Math.ceil(SLOTS / size);
  for (const [index, { port }] of nodes.entries()) {
    const slots = Array.from({ length: SLOTS }, (_, slot) => slot).slice(index * share, (index + 1) * share);
    await onNode(port, (redis) => redis.cluster('ADDSLOTS', ...slots));
    if (index > 0) await onNode(nodes[0].port, (redis) => redis.cluster('MEET', HOST, port));
  }
  await Promise.all(nodes.map(({ port }) => eventually(() => knowsAll(port), 'the node knows all slots')));
  return nodes;
}

async function startNode(): Promise<ClusterNode> {
  const executable = findRedisExecutable();
  if (executable === undefined) throw new Error('No redis-server on PATH.');
  const dir = await mkdtemp(join(tmpdir(), 'redflow-cluster-'));
  const port = await freePort();
  const settings = { bind: HOST, port, dir, save: '', 'cluster-enabled': 'yes', 'cluster-announce-ip': HOST };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(executable, args, { stdio: 'ignore' });
  const guard = new OrphanGuard(dir);
  guard.watch(child.pid);
  whenTestEnds(async () => {
    const exited = once(child, 'exit');
    if (child.kill('SIGKILL')) await exited;
    await rm(dir, { recursive: true, force: true });
    guard.release();
  });
  return { host: HOST, port };
}

async function knowsAll(port: number): Promise<void> {
  const info = String(await onNode(port, (redis) => redis.cluster('INFO')));
  if (!info.includes('cluster_state:ok') || !info.includes(`cluster_slots_ok:${SLOTS}`)) throw new Error(info);
}

async function onNode<T>(port: number, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({ host: HOST, port, lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  redis.on('error', () => {
    // Refused until it listens; the caller asks again.
  });
  try {
    await redis.connect();
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

/** One that leaves room for the port of the bus, which is taken without a check here. */
async function freePort(): Promise<number> {
  for (;;) {
    const probe = createServer().listen(0, HOST);
    await once(probe, 'listening');
    const { port } = probe.address() as { port: number };
    probe.close();
    await once(probe, 'close');
    if (port + BUS < 65_536) return port;
  }
}
