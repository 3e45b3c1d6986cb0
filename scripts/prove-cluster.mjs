// Shows what happens to runs while a Redis Cluster moves their slot:
//   node scripts/prove-cluster.mjs [moves, default 20] [path of a redis-server] [at-once]
// after a build; "at-once" moves the slot as only Valkey 9 can. Three masters; two workers and four producers go on while the slot of the
// namespace goes from one master to the next. Prints one line of JSON per move and one at the end; the exit code is 1 if a run was lost, is
// stuck or has a wrong result.
import { setTimeout as delay } from 'node:timers/promises';
import { Cluster } from 'ioredis';
import { RedisServers } from '../test/support/redis-servers.mjs';
import { Load } from './proof-load.mjs';

const MOVES = Number(process.argv[2] ?? 20);
const isAtOnce = process.argv[4] === 'at-once';
/** So long is a slot open at least: a quick move would hardly be met. */
const OPEN_MS = 300;

const servers = new RedisServers(process.argv[3]);
const cluster = await servers.cluster();
const load = new Load(() => ({ connection: new Cluster(cluster.addresses) }));
await load.start();
await load.more(200);

for (let move = 0; move < MOVES; move++) {
  const { slot, owner } = await cluster.ownerOf('{proof}');
  const next = cluster.nodes[(cluster.nodes.indexOf(owner) + 1) % cluster.nodes.length];
  const began = performance.now();
  const { moved, openMs, torn } = await (isAtOnce
    ? cluster.migrateAtOnce(slot, owner, next)
    : cluster.migrate(slot, owner, next, { onMoved: (count) => count <= 30 && delay(OPEN_MS / 3) }));
  await load.more(100);
  const still = load.stillBetween(began, performance.now());
  console.log(JSON.stringify({ move: move + 1, keys: moved, torn, openMs: Math.round(openMs), stillMs: still }));
}

const verdict = await load.settle();
console.log(JSON.stringify({ server: await servers.version(), moves: MOVES, ...verdict }));
process.exitCode = verdict.lost + verdict.stuck + verdict.failed + verdict.wrong === 0 ? 0 : 1;
await load.close();
await servers.close();
process.exit();
