// Shows what failovers, restarts, cut-off networks, rotated passwords and a full memory do to runs:
//   node scripts/prove-failovers.mjs [scenario or "all"] [path of a redis-server]
// after a build. Two workers and four producers go on meanwhile; a create that failed is repeated under its id. Prints one line of JSON per
// scenario: what was acknowledged and lost, which runs never ended, which functions were executed twice, which calls failed, and the
// longest time in which no handler did anything and no create was answered. Asynchronous replication may lose what was acknowledged, and
// a power loss the last second: where a scenario allows neither, the exit code is 1 if something is lost. It is 1 if a run is stuck
// or wrong in any.

import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { createServer, connect as openSocket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { RedisServers } from '../test/support/redis-servers.mjs';
import { Load } from './proof-load.mjs';

const AOF = { appendonly: 'yes', appendfsync: 'everysec' };
const USER = 'app';

const url = (server) => () => ({ url: server.url });
const ofCluster = (cluster) => () => ({ connection: new Cluster(cluster.addresses) });
const viaSentinel =
  ({ sentinels }) =>
  () => ({ connection: { sentinels: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })), name: 'main' } });

const isPrimary = ({ admin }) => admin.role().then(([role]) => role === 'master');

/** The old primary takes part in it; what it was told until it became a replica and had not replicated is lost. */
const planned =
  (load, { count = 1, settings = {} } = {}) =>
  async (stage) => {
    const { sentinels, primary, replicas } = await stage.servers.watched({ replicas: count, settings: { ...AOF, ...settings } });
    await stage.run(viaSentinel({ sentinels }), load, async () => {
      await sentinels[0].admin.call('SENTINEL', 'FAILOVER', 'main', ...(await stage.coordinated(sentinels[0])));
      await stage.until(async () => !(await isPrimary(primary)) && (await Promise.all(replicas.map(isPrimary))).includes(true));
    });
  };

const died =
  (load, { count = 1 } = {}) =>
  async (stage) => {
    const { sentinels, primary, replicas } = await stage.servers.watched({ replicas: count, settings: AOF });
    await stage.run(viaSentinel({ sentinels }), load, async () => {
      await primary.kill();
      await stage.until(async () => (await Promise.all(replicas.map(isPrimary))).includes(true));
    });
  };

const WAITING = { client: { waitReplicas: { count: 1, timeout: '2s' } } };

const SCENARIOS = {
  /** A single server with an append-only file is killed and started again: the file has all that was acknowledged. */
  restart: {
    keepsAll: true,
    play: async (stage) => {
      const server = await stage.servers.start(AOF);
      await stage.run(url(server), {}, async () => {
        await server.kill();
        await delay(1_000);
        await server.start();
      });
    },
  },
  /** The machine loses power: what the file system had not been told to write, a second at most, is gone. */
  'power-loss': {
    play: async (stage) => {
      const server = await stage.servers.start(AOF);
      await stage.run(url(server), {}, async () => {
        const file = aofOf(server);
        const { size } = statSync(file);
        await delay(1_000);
        await server.kill();
        await truncate(file, size);
        await server.start();
      });
    },
  },
  'sentinel-planned': { play: planned({}) },
  /** With one replica there is none to wait for until the old primary has become one: creates stand still for so long. */
  'sentinel-planned-wait': { keepsAll: true, play: planned(WAITING) },
  /** The replica that stays with the old primary confirms what the other one, which takes over, does not get. */
  'sentinel-planned-wait-one-of-two': { play: planned(WAITING, { count: 2 }) },
  /** The old primary refuses writes as soon as no replica is connected. */
  'sentinel-planned-min-replicas': { keepsAll: true, play: planned({}, { settings: { 'min-replicas-to-write': 1 } }) },
  'sentinel-killed': { play: died({}) },
  /** With a second replica, since after a failover there is one less. */
  'sentinel-killed-wait': { keepsAll: true, play: died(WAITING, { count: 2 }) },
  /** The primary hangs for so long that another takes over, and comes back as one that knows nothing of it. */
  'sentinel-hung': {
    play: async (stage) => {
      const { sentinels, primary, replicas } = await stage.servers.watched({ settings: AOF });
      await stage.run(viaSentinel({ sentinels }), {}, async () => {
        primary.pause();
        await stage.until(() => isPrimary(replicas[0]));
        primary.resume();
        await stage.until(async () => !(await isPrimary(primary)));
      });
    },
  },
  /** The server behind an address that stays the same becomes a replica for five seconds: connections live on, and it refuses writes. */
  demoted: {
    keepsAll: true,
    play: async (stage) => {
      const server = await stage.servers.start(AOF);
      await stage.run(url(server), {}, async () => {
        await server.admin.replicaof('127.0.0.1', 1);
        await delay(5_000);
        await server.admin.replicaof('NO', 'ONE');
      });
    },
  },
  /** Connections that exist carry nothing any more, without being closed; new ones work. So does a NAT that has forgotten them. */
  'half-open': {
    keepsAll: true,
    play: async (stage) => {
      const server = await stage.servers.start(AOF);
      const network = await stage.network(server);
      await stage.run(
        () => ({ url: network.url }),
        {},
        async () => {
          network.forget();
          await delay(1_000);
        },
      );
    },
  },
  /** The password is changed, in the options of the given client too, and connections with the old one are closed. */
  'acl-rotation': {
    keepsAll: true,
    play: async (stage) => {
      const server = await stage.servers.start(AOF);
      const given = await stage.userOf(server);
      await stage.run(
        () => ({ connection: given }),
        {},
        async () => {
          await server.admin.acl('SETUSER', USER, '>new');
          given.options.password = 'new';
          await server.admin.acl('SETUSER', USER, '<old');
          await server.admin.call('CLIENT', 'KILL', 'USER', USER);
          await delay(1_000);
        },
      );
    },
  },
  /** The password is taken away for three seconds, and connections are closed. */
  'acl-revoked': {
    keepsAll: true,
    play: async (stage) => {
      const server = await stage.servers.start(AOF);
      const given = await stage.userOf(server);
      await stage.run(
        () => ({ connection: given }),
        {},
        async () => {
          await server.admin.acl('SETUSER', USER, '<old');
          await server.admin.call('CLIENT', 'KILL', 'USER', USER);
          await delay(3_000);
          await server.admin.acl('SETUSER', USER, '>old');
        },
      );
    },
  },
  /** Redis reaches `maxmemory` for five seconds. */
  'out-of-memory': {
    keepsAll: true,
    play: async (stage) => {
      const server = await stage.servers.start(AOF);
      await stage.run(url(server), {}, async () => {
        await stage.load.burst(500);
        await server.admin.config('SET', 'maxmemory', '1');
        const open = async () => {
          const { runs } = await stage.load.client.getStats();
          return runs.queued + runs.running + runs.waiting;
        };
        const before = await open();
        await delay(5_000);
        stage.notes = { openWhenFull: before, openAfter5s: await open() };
        await server.admin.config('SET', 'maxmemory', '0');
      });
    },
  },
  'cluster-planned': {
    play: async (stage) => {
      const cluster = await stage.servers.cluster({ replicas: 1 });
      await stage.run(ofCluster(cluster), {}, async () => {
        const { owner } = await cluster.ownerOf('{proof}');
        const replica = cluster.nodes[cluster.nodes.indexOf(owner) + 3];
        await replica.admin.call('CLUSTER', 'FAILOVER');
        await stage.until(async () => (await replica.admin.role())[0] === 'master');
      });
    },
  },
  'cluster-killed': {
    play: async (stage) => {
      const cluster = await stage.servers.cluster({ replicas: 1 });
      await stage.run(ofCluster(cluster), {}, async () => {
        const { owner } = await cluster.ownerOf('{proof}');
        await owner.kill();
        await stage.until(async () => (await cluster.nodes[cluster.nodes.indexOf(owner) + 3].admin.role())[0] === 'master');
      });
    },
  },
};

class Stage {
  #closers = [];

  constructor(executable) {
    this.servers = new RedisServers(executable);
    this.#closers.push(() => this.servers.close());
  }

  /** Lets the load go on before, during and after `trouble`. */
  async run(connect, options, trouble) {
    this.load = new Load(connect, options);
    this.#closers.push(() => this.load.close());
    await this.load.start();
    await this.load.more(200);
    const began = performance.now();
    await trouble();
    this.troubleMs = Math.round(performance.now() - began);
    await Promise.race([this.load.more(300), delay(60_000)]);
    this.still = this.load.stillBetween(began, performance.now());
    this.verdict = await this.load.settle();
    this.server = await this.servers.version();
  }

  /** A client of a user with the password "old", which is a pattern for the connections of the load. */
  async userOf({ admin, port }) {
    await admin.acl('SETUSER', USER, 'on', '>old', '~*', '&*', '+@all');
    const given = new Redis({ host: '127.0.0.1', port, username: USER, password: 'old', lazyConnect: true });
    this.#closers.push(async () => given.disconnect());
    return given;
  }

  /** Valkey 9 can have the old primary wait for the new one. */
  async coordinated({ admin }) {
    return /^valkey_version:(9|\d\d)/m.test(await admin.info('server')) ? ['COORDINATED'] : [];
  }

  async until(isSo) {
    while (!(await isSo().catch(() => false))) await delay(20);
  }

  /** Between the load and a server; `forget()` makes all connections that exist carry nothing, for good. */
  async network(server) {
    const links = new Set();
    const proxy = createServer((client) => {
      const upstream = openSocket(server.port, '127.0.0.1');
      client.pipe(upstream).pipe(client);
      links.add([client, upstream]);
      for (const end of [client, upstream]) end.on('error', () => {});
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    this.#closers.push(async () => {
      proxy.close();
      for (const ends of links) for (const end of ends) end.destroy();
    });
    return {
      url: `redis://127.0.0.1:${proxy.address().port}`,
      forget() {
        for (const [client, upstream] of links) {
          client.unpipe(upstream);
          upstream.unpipe(client);
          upstream.resume();
          client.resume();
        }
      },
    };
  }

  async close() {
    for (const close of this.#closers.reverse()) await close();
  }
}

/** The part of the append-only file that grows. */
function aofOf({ dir }) {
  const folder = join(dir, 'appendonlydir');
  const name = readdirSync(folder).find((file) => file.endsWith('.incr.aof'));
  return join(folder, name);
}

async function prove(name, executable) {
  const { keepsAll, play } = SCENARIOS[name];
  const stage = new Stage(executable);
  await play(stage);
  const { verdict, troubleMs, still, server } = stage;
  console.log(JSON.stringify({ scenario: name, server, troubleMs, still, ...stage.notes, ...verdict }));
  const { lost, stuck, failed, wrong } = verdict;
  if ((keepsAll ? lost : 0) + stuck + failed + wrong > 0) process.exitCode = 1;
  await Promise.race([stage.close(), delay(30_000)]);
}

const [wanted = 'all', executable] = process.argv.slice(2);
const names = wanted === 'all' ? Object.keys(SCENARIOS) : wanted.split(',');
const unknown = names.filter((name) => !(name in SCENARIOS));
if (unknown.length > 0) {
  console.error(`Name scenarios: ${Object.keys(SCENARIOS).join(', ')}.`);
  process.exit(2);
}
for (const name of names) await prove(name, executable);
process.exit();
