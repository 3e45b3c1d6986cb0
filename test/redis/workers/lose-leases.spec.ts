import { describe, expect, it } from '@jest/globals';
import type { RedisConnection } from '../../../lib/engine/redis/connection/connection.js';
import { declareWorkflows } from '../../../lib/engine/redis/registry/declare-workflows.js';
import { resetNamespace } from '../../../lib/engine/redis/retention/reset-namespace.js';
import { createRun } from '../../../lib/engine/redis/runs/create-run.js';
import { loseLeases } from '../../../lib/engine/redis/workers/lose-leases.js';
import { renewLease } from '../../../lib/engine/redis/workers/renew-lease.js';
import { declarationOf } from '../../support/declaring.js';
import { type EngineRoom, idsOf, openEngineRoom } from '../../support/engine-room.js';

const SERVICES = ['a', 'b'];

async function registerAll(room: EngineRoom): Promise<void> {
  for (const name of SERVICES) {
    await room.register(name, ['default'], { deployment: `build of ${name}`, workflows: [name], serves: [name] });
    await room.send(declareWorkflows(name, [declarationOf({ workflow: name, events: [`on.${name}`] })], true));
  }
}

/** Resets the state; the workers register between two steps of the walk, as they do once they notice. Answers how many steps it took. */
async function resetAround(room: EngineRoom, at: number): Promise<number> {
  let steps = 0;
  const repeated: RedisConnection['repeated'] = async (task) => {
    const answer = await room.connection.repeated(task);
    if (steps++ === at) await registerAll(room);
    return answer;
  };
  await resetNamespace({ repeated } as RedisConnection, room.keys, 'state');
  await room.send(loseLeases());
  return steps;
}

/** What a worker does that goes on: it registers again where it is told that its lease is lost. */
async function claimOf(room: EngineRoom, worker: string): Promise<string[]> {
  const claim = await room.send(room.claimOp(worker));
  if (claim.status === 'OK') return idsOf(claim.runs);
  await registerAll(room);
  return idsOf(await room.claim(worker));
}

describe('a reset that workers have registered in the middle of', () => {
  it('leaves them whole, wherever it was: they serve, are woken, and have what they declare', async () => {
    const room = openEngineRoom();
    const filler = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [room.key(`mail:${i}`), 'x']));
    for (let at = 0, steps = 1; at < steps; at++) {
      await room.redis.mset(filler);
      await registerAll(room);
      steps = await resetAround(room, at);
      for (const name of SERVICES) expect(await claimOf(room, name)).toEqual([]);
      for (const name of SERVICES) expect(await claimOf(room, name)).toEqual([]);
      for (const name of SERVICES) {
        const id = `${name} ${at}`;
        await room.send(createRun(room.newRun({ id, workflow: name })));
        expect(await room.wakeUps(name)).toBe(1);
        expect(await claimOf(room, name)).toEqual([id]);
        expect(await room.redis.smembers(room.key(`subscribers:on.${name}`))).toEqual([name]);
        const [team] = await room.redis.smembers(room.key(`teams:${name}`));
        expect(await room.redis.smembers(room.key(`members:${team}`))).toEqual([name]);
      }
    }
  });
});

describe('loseLeases()', () => {
  it('tells workers by their next heartbeat and their next claim, until they register again', async () => {
    const room = openEngineRoom();
    for (const worker of ['w1', 'w2']) await room.register(worker);
    await room.send(loseLeases());
    const beat = renewLease({ workerId: 'w1', leaseMs: 1_000, running: 0, stalledRunIds: [], cursor: '0' });
    expect(await room.send(beat)).toMatchObject({ status: 'LOST' });
    expect(await room.send(room.claimOp('w2'))).toEqual({ status: 'LOST' });
    await room.register('w1');
    expect(await room.send(beat)).toMatchObject({ status: 'OK' });
    expect(await room.claim('w1')).toEqual([]);
  });
});
