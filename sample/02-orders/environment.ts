import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOrStartRedis } from 'nestjs-redflow/testing';
import type { Shutdown } from './shutdown.js';
import type { Narrator } from './tour/narrator.js';

/**
 * Sets what a deployment would set: `REDIS_URL`, a namespace of its own on that Redis, and where the outside systems keep
 * their books. The workers inherit it.
 */
export async function prepareEnvironment(narrator: Narrator, shutdown: Shutdown): Promise<void> {
  const given = process.env.REDIS_URL;
  const redis = await findOrStartRedis({ onMessage: (line) => narrator.say('redis', line) });
  shutdown.add(() => redis.stop());
  narrator.say('redis', given ? 'using that of REDIS_URL' : `started a private one on ${redis.url}`);
  const dir = await mkdtemp(join(tmpdir(), 'redflow-sample-'));
  shutdown.add(() => rm(dir, { recursive: true, force: true }));
  process.env.REDIS_URL = redis.url;
  process.env.REDFLOW_PREFIX ||= `redflow-sample:${Date.now().toString(36)}`;
  process.env.SAMPLE_LEDGER = join(dir, 'ledger.jsonl');
}

/** The port asked for if it is free, else some free one. */
export async function findPort(wanted: number): Promise<number> {
  return (await tryPort(wanted)) ?? (await findPort(0));
}

function tryPort(port: number): Promise<number | undefined> {
  const probe = createServer();
  return new Promise((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    probe.listen(port, '127.0.0.1', () => {
      const { port: free } = probe.address() as AddressInfo;
      probe.close(() => resolve(free));
    });
  });
}
