import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { OrphanGuard } from '../../dist/testing/redis-server/orphan-guard.js';
import { findRedisExecutable } from '../../dist/testing/redis-server/redis-executable.js';

const LIMIT_MS = 60_000;
const POLL_MS = 20;
const SLOTS = 16_384;
/** How many keys one MIGRATE moves, as `redis-cli --cluster reshard` does. */
const KEYS_PER_MOVE = 10;

/** Servers of set-ups that take several, with settings of their own: all are gone when the group is closed, or this process ends. */
export class RedisServers {
  #servers = new Set();

  constructor(executable = process.env.REDFLOW_TEST_REDIS_EXECUTABLE ?? findRedisExecutable()) {
    this.executable = executable;
  }

  /** Starts a server on a free loopback port, and resolves once it answers. */
  async start(settings = {}, { sentinel = '' } = {}) {
    const dir = await mkdtemp(join(tmpdir(), 'redflow-servers-'));
    const server = new Server(this.executable, dir, await freePort(), settings, sentinel);
    this.#servers.add(server);
    await server.start();
    return server;
  }

  /** A cluster of masters that share the slots, each with `replicas`; resolves once all say that it is up. */
  async cluster({ masters = 3, replicas = 0, settings = {} } = {}) {
    const ofCluster = {
      'cluster-enabled': 'yes',
      'cluster-announce-ip': '127.0.0.1',
      'cluster-node-timeout': '5000',
      ...settings,
    };
    const nodes = [];
    for (let i = 0; i < masters * (1 + replicas); i++) nodes.push(await this.start(ofCluster));
    for (const [i, node] of nodes.entries()) await node.admin.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    for (const node of nodes.slice(1)) await nodes[0].admin.call('CLUSTER', 'MEET', '127.0.0.1', node.port);
    for (let i = 0; i < masters; i++) {
      const [first, end] = [i, i + 1].map((share) => Math.floor((SLOTS * share) / masters));
      await nodes[i].admin.call('CLUSTER', 'ADDSLOTS', ...Array.from({ length: end - first }, (_, at) => first + at));
    }
    await until(async () => {
      const known = await Promise.all(nodes.map((node) => node.admin.call('CLUSTER', 'NODES')));
      return known.every((lines) => lines.trim().split('\n').length === nodes.length && !lines.includes('handshake'));
    });
    for (const node of nodes) node.id = await node.admin.call('CLUSTER', 'MYID');
    for (const [i, node] of nodes.slice(masters).entries()) await node.admin.call('CLUSTER', 'REPLICATE', nodes[i % masters].id);
    const cluster = new RedisCluster(nodes);
    await until(() => cluster.isUp());
    for (const node of nodes.slice(masters)) {
      await until(async () => (await node.admin.info('replication')).includes('master_link_status:up'));
    }
    return cluster;
  }

  /** A primary with replicas, watched by Sentinels. */
  async watched({ replicas = 1, sentinels = 3, settings = {}, downAfterMs = 2_000 } = {}) {
    const primary = await this.start(settings);
    const followers = [];
    for (let i = 0; i < replicas; i++) {
      followers.push(await this.start({ ...settings, replicaof: `127.0.0.1 ${primary.port}` }));
    }
    await until(async () => {
      const info = await primary.admin.info('replication');
      return [...info.matchAll(/state=online/g)].length === replicas;
    });
    const guards = [];
    for (let i = 0; i < sentinels; i++) {
      const sentinel = [
        `sentinel monitor main 127.0.0.1 ${primary.port} ${Math.floor(sentinels / 2) + 1}`,
        `sentinel down-after-milliseconds main ${downAfterMs}`,
        'sentinel failover-timeout main 10000',
        'sentinel resolve-hostnames no',
      ].join('\n');
      guards.push(await this.start({ 'sentinel announce-ip': '127.0.0.1' }, { sentinel }));
    }
    await until(async () => {
      const known = await Promise.all(guards.map(({ admin }) => admin.call('SENTINEL', 'MASTER', 'main')));
      return known.every(
        (fields) =>
          fieldOf(fields, 'num-other-sentinels') === String(sentinels - 1) && fieldOf(fields, 'num-slaves') === String(replicas),
      );
    });
    return { primary, replicas: followers, sentinels: guards, servers: [primary, ...followers] };
  }

  /** As a server says it. */
  async version() {
    for (const { admin } of this.#servers) {
      const info = await admin.info('server').catch(() => '');
      const [, name = 'redis'] = /^server_name:(\w+)/m.exec(info) ?? [];
      const version = new RegExp(`^${name}_version:([\\d.]+)`, 'm').exec(info);
      if (version) return `${name} ${version[1]}`;
    }
    return 'unknown';
  }

  async close() {
    await Promise.all([...this.#servers].map((server) => server.close()));
    this.#servers.clear();
  }
}

/** One server process; its port stays the same over restarts. */
class Server {
  #child;
  #guard;

  constructor(executable, dir, port, settings, sentinel) {
    this.executable = executable;
    this.dir = dir;
    this.port = port;
    this.settings = settings;
    this.sentinel = sentinel;
    this.#guard = new OrphanGuard(dir);
    /** Repeats nothing: what it is asked while the server is away fails at once. */
    this.admin = new Redis({ host: '127.0.0.1', port, lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => 50 });
    this.admin.on('error', () => {});
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid() {
    return this.#child?.pid;
  }

  async start() {
    const settings = {
      port: this.port,
      bind: '127.0.0.1',
      dir: this.dir,
      logfile: join(this.dir, 'server.log'),
      save: '""',
      'maxmemory-policy': 'noeviction',
      ...this.settings,
    };
    if (this.sentinel) for (const name of ['save', 'maxmemory-policy']) delete settings[name];
    const file = join(this.dir, 'server.conf');
    const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
    if (!this.isConfigured) await writeFile(file, [...lines, this.sentinel, ''].join('\n'));
    // Sentinels, and replicas after a failover, write what they have learnt into their file.
    this.isConfigured = true;
    this.#child = spawn(this.executable, [file, ...(this.sentinel ? ['--sentinel'] : [])], { detached: true, stdio: 'ignore' });
    this.#child.unref();
    this.#guard.watch(this.#child.pid);
    await until(async () => {
      if (this.admin.status === 'wait' || this.admin.status === 'end') await this.admin.connect();
      return (await this.admin.ping()) === 'PONG';
    });
  }

  /** As a crash does. */
  async kill() {
    if (!this.#child || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.ref();
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
    this.#guard.watch(undefined);
  }

  /** Holds the process, as a machine that hangs does: its connections stay open and nothing answers. */
  pause() {
    this.#child.kill('SIGSTOP');
  }

  resume() {
    this.#child.kill('SIGCONT');
  }

  async close() {
    this.admin.disconnect();
    await this.kill();
    this.#guard.release();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** Three or more servers that are one cluster. */
class RedisCluster {
  constructor(nodes) {
    this.nodes = nodes;
  }

  /** What clients are told to begin with. */
  get addresses() {
    return this.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  async isUp() {
    const infos = await Promise.all(this.nodes.map(({ admin }) => admin.call('CLUSTER', 'INFO')));
    return infos.every((info) => info.includes('cluster_state:ok') && info.includes(`cluster_slots_ok:${SLOTS}`));
  }

  /** Slot of a key, and the master that owns it. */
  async ownerOf(key) {
    const slot = await this.nodes[0].admin.call('CLUSTER', 'KEYSLOT', key);
    return { slot, owner: await this.ownerOfSlot(slot) };
  }

  async ownerOfSlot(slot) {
    for (const [first, last, [, port]] of await this.nodes[0].admin.call('CLUSTER', 'SLOTS')) {
      if (first <= slot && slot <= last) return this.nodes.find((node) => node.port === port);
    }
    throw new Error(`No master owns slot ${slot}.`);
  }

  /**
   * Moves a slot with its keys as `redis-cli --cluster reshard` does, while clients go on.
   * @returns how many keys it moved, how long the slot was open, and how many moves met keys that were there already
   */
  async migrate(slot, from, to, { onMoved = async () => {} } = {}) {
    const began = performance.now();
    await to.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
    await from.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
    let moved = 0;
    let torn = 0;
    for (;;) {
      const keys = await from.admin.call('CLUSTER', 'GETKEYSINSLOT', slot, KEYS_PER_MOVE);
      if (keys.length === 0) break;
      const move = (...how) => from.admin.call('MIGRATE', '127.0.0.1', to.port, '', 0, LIMIT_MS, ...how, 'KEYS', ...keys);
      await move().catch((error) => {
        // Somebody has written on the new node to what he did not find there.
        if (!error.message.includes('BUSYKEY')) throw error;
        torn++;
        return move('REPLACE');
      });
      moved += keys.length;
      await onMoved(moved);
    }
    for (const node of [to, from]) await node.admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
    const openMs = performance.now() - began;
    for (const node of this.nodes) {
      if (node !== to && node !== from) await node.admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id).catch(() => {});
    }
    return { moved, openMs, torn };
  }

  /** As Valkey 9 moves slots: in the background, and all keys change hands at once. */
  async migrateAtOnce(slot, from, to) {
    const began = performance.now();
    const moved = await from.admin.call('CLUSTER', 'COUNTKEYSINSLOT', slot);
    await from.admin.call('CLUSTER', 'MIGRATESLOTS', 'SLOTSRANGE', slot, slot, 'NODE', to.id);
    await until(async () => {
      const [latest] = await from.admin.call('CLUSTER', 'GETSLOTMIGRATIONS');
      return fieldOf(latest, 'state') === 'success' && (await this.ownerOfSlot(slot)) === to;
    });
    return { moved, openMs: performance.now() - began, torn: 0 };
  }
}

function fieldOf(fields, name) {
  return fields[fields.indexOf(name) + 1];
}

/** Asks again and again; a server that does not answer yet is asked once more. */
async function until(ask) {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const last = await ask().catch((error) => error);
    if (last === true) return;
    if (performance.now() > deadline) throw new Error(`A server was not ready after ${LIMIT_MS} ms.`, { cause: last });
    await delay(POLL_MS);
  }
}

/** With the port of a cluster's own messages, 10,000 above it. */
async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 25_000);
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
}

async function isFree(port) {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
