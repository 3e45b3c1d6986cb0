import { expect, it } from '@jest/globals';
import { Keyspace } from '../../../lib/engine/redis/keyspace.js';
import { forgetUnserved } from '../../../lib/engine/redis/registry/forget-unserved.js';
import { forgetWorkflow } from '../../../lib/engine/redis/registry/forget-workflow.js';
import { settleDeclarations } from '../../../lib/engine/redis/registry/settle-declarations.js';
import { pauseSchedule } from '../../../lib/engine/redis/schedules/pause-schedule.js';
import type { Op } from '../../../lib/engine/redis/script/op.js';
import { ScriptRunner } from '../../../lib/engine/redis/script/script-runner.js';
import { WriteBuffer } from '../../../lib/engine/redis/script/write-buffer.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { registerWorker } from '../../../lib/engine/redis/workers/register-worker.js';
import { removeWorker } from '../../../lib/engine/redis/workers/remove-worker.js';
import { retireWorker } from '../../../lib/engine/redis/workers/retire-worker.js';
import { DeclarationModel, deploymentsOf, SERVICES, type Snapshot, workflowsOf } from '../../support/declaration-model.js';
import { declareOp, FORGET_AFTER_MS } from '../../support/declaring.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';
import { type Random, randomOf } from '../../support/random.js';

/** The long form is `node scripts/prove-declarations.mjs`. */
const HISTORIES = Number(process.env.REDFLOW_HISTORIES ?? 200);
const FIRST_SEED = Number(process.env.REDFLOW_SEED ?? 1);
const AT_ONCE = 10;
const STEPS = 14;
const ADVANCE_MS = FORGET_AFTER_MS * 0.42;

/** Real scripts on a namespace of their own, beside the model of what they are to come to. */
class History {
  private readonly keys: Keyspace;
  private readonly buffer: WriteBuffer;
  private readonly model = new DeclarationModel(FORGET_AFTER_MS);
  private readonly random: Random;
  private readonly since = new Map<string, string>();
  private readonly done: string[] = [];
  private workers = 0;

  constructor(
    private readonly room: EngineRoom,
    readonly seed: number,
  ) {
    this.random = randomOf(seed);
    this.keys = new Keyspace(`${room.prefix}:${seed}`);
    this.buffer = new WriteBuffer(new ScriptRunner(room.connection, this.keys), { depth: 1, smallest: 1 });
  }

  async play(): Promise<void> {
    try {
      for (let step = 0; step < STEPS; step++) {
        await this.step();
        await this.settle();
        expect(await this.snapshot()).toEqual(this.model.snapshot());
      }
      await this.end();
    } catch (error) {
      throw new Error(`History ${this.seed}: ${this.done.join('; ')}`, { cause: error });
    }
  }

  private async step(): Promise<void> {
    const { random, model } = this;
    const kind = random.pick([
      'start',
      'start',
      'start',
      'leave',
      'leave',
      'boot',
      'outage',
      'advance',
      'pause',
      'pause',
      'forget',
    ]);
    if (kind === 'start') await this.start();
    // Several may go, and one may come, before anybody looks.
    if (kind === 'leave') {
      for (let left = random.below(3); left >= 0; left--) await this.leave();
      if (random.below(2) === 0) await this.start();
    }
    if (kind === 'boot') await this.crashAtBoot();
    if (kind === 'outage') await this.outage();
    if (kind === 'advance') await this.advance();
    if (kind === 'pause') {
      const id = random.pick(['every', 'every', 'moves', 'shared', 'later']);
      this.done.push(`pause ${id}`);
      expect(await this.send(pauseSchedule(id))).toBe(model.pause(id) ? 'OK' : 'MISSING');
    }
    if (kind === 'forget') {
      const name = random.pick(['a1', 'a2', 'b1', 'b2', 'both', 'c1']);
      this.done.push(`forget ${name}`);
      expect(await this.send(forgetWorkflow(name))).toBe(model.forget(name));
    }
  }

  private async start(): Promise<void> {
    const deployment = this.random.pick(deploymentsOf());
    const worker = `w${++this.workers}`;
    this.done.push(`start ${worker} of ${deployment}`);
    this.model.start(worker, deployment);
    await this.register(worker, deployment);
    await this.declare(worker, false);
  }

  private async leave(): Promise<void> {
    const worker = this.random.pick([...this.model.workers.keys()]);
    if (worker === undefined) return;
    const how = this.random.pick(['stop', 'retire', 'crash']);
    this.done.push(`${how} ${worker}`);
    if (how !== 'crash') await this.send(retireWorker(worker, []));
    if (how === 'stop') await this.send(removeWorker(worker));
    else await this.expire(worker);
    this.model.leave(worker);
  }

  private async crashAtBoot(): Promise<void> {
    const deployment = this.random.pick(deploymentsOf());
    const worker = `w${++this.workers}`;
    this.done.push(`crash ${worker} of ${deployment} at boot`);
    await this.register(worker, deployment);
    await this.expire(worker);
    this.model.crashAtBoot(deployment);
  }

  /** Every lease runs out; some workers are reaped before they come back. */
  private async outage(): Promise<void> {
    const living = this.random.shuffle([...this.model.workers]);
    this.done.push(`outage, back in the order ${living.map(([worker]) => worker).join()}`);
    for (const [worker] of living) await this.expire(worker);
    for (let reaped = this.random.below(living.length + 1); reaped > 0; reaped--) await this.send(reapWorkers(100));
    if (this.random.below(2) === 0) await this.decideAll();
    for (const [worker, deployment] of living) {
      await this.register(worker, deployment);
      if (this.random.below(2) === 0) await this.declare(worker, true);
      if (this.random.below(3) === 0) await this.decideAll();
    }
  }

  private async advance(): Promise<void> {
    this.done.push('advance');
    await this.room.redis.incrby(`${this.keys.root}:clock`, ADVANCE_MS);
    this.model.advance(ADVANCE_MS);
  }

  /** What housekeeping and registry recovery do in time, in any order of workers. */
  private async settle(): Promise<void> {
    while ((await this.send(reapWorkers(100))).more);
    await this.decideAll();
    for (let round = 0; round < 2; round++)
      for (const [worker] of this.random.shuffle([...this.model.workers])) await this.declare(worker, true);
    for (let cursor = '0', more = true; more; ) ({ cursor, more } = await this.send(forgetUnserved(cursor)));
    this.model.settle();
  }

  /** When all are gone for long enough, nothing is left. */
  private async end(): Promise<void> {
    for (const [worker] of this.model.workers) await this.send(removeWorker(worker));
    await this.room.redis.incrby(`${this.keys.root}:clock`, 3 * FORGET_AFTER_MS);
    this.model.workers.clear();
    await this.settle();
    const left = await this.room.redis.keys(`${this.keys.root.replace(/[[\]*?\\]/g, '\\$&')}:*`);
    expect(left.map((key) => key.slice(this.keys.root.length + 1)).filter((key) => !/^(wake|counters|clock)/.test(key))).toEqual(
      [],
    );
    await this.room.redis.del(left);
  }

  private async decideAll(): Promise<void> {
    while (await this.send(settleDeclarations(2)));
  }

  private async register(workerId: string, deployment: string): Promise<void> {
    const workflows = workflowsOf(deployment)
      .map(({ workflow = '' }) => workflow)
      .sort();
    const team = { id: `team of ${deployment}`, workflows };
    const lease = { workerId, leaseMs: 3_600_000, app: 'app', queues: [], serves: [], concurrency: 1 };
    const since = this.since.get(workerId) ?? '';
    const answer = await this.send(registerWorker({ ...lease, deployment, team, forgetAfterMs: FORGET_AFTER_MS, since }));
    this.since.set(workerId, answer.since);
  }

  private async declare(worker: string, isRestoring: boolean): Promise<void> {
    const deployment = this.model.workers.get(worker) as string;
    await this.send(declareOp(worker, this.random.shuffle(workflowsOf(deployment)), isRestoring));
  }

  private async expire(worker: string): Promise<void> {
    await this.room.redis.zadd(`${this.keys.root}:workers`, 'XX', 1, worker);
  }

  /** Now and then a script runs twice, as after a lost answer. */
  private async send<T>(op: Op<T>): Promise<T> {
    const answer = await this.buffer.add(op);
    const isRepeatable = /declare|register|settle|retire|remove/.test(op.name);
    if (isRepeatable && this.random.below(5) === 0) await this.buffer.add(op);
    return answer;
  }

  private async snapshot(): Promise<Snapshot> {
    const { redis } = this.room;
    const key = (name: string) => `${this.keys.root}:${name}`;
    const names = (await redis.hkeys(key('workflows'))).sort();
    const subscriptions: string[] = [];
    for (const pattern of ['old', 'new', 'both.*']) {
      for (const workflow of await redis.smembers(key(`subscribers:${pattern}`))) subscriptions.push(`${workflow} ${pattern}`);
    }
    const triggers = (await redis.hkeys(key('triggers'))).map((field) => field.replace(/^\d+:(a1|a2|b1|b2|both|c1)/, '$1 '));
    expect(triggers.sort()).toEqual(subscriptions.sort());
    expect(await redis.smembers(key('wildcards'))).toEqual(subscriptions.some((one) => one.endsWith('*')) ? ['both.*'] : []);
    const schedules: Snapshot['schedules'] = {};
    for (const id of await redis.zrange(key('schedules'), '0', '-1')) {
      const { wf, ex, pa, nx } = await redis.hgetall(key(`schedule:${id}`));
      schedules[id] = { workflow: wf, expression: ex, isPaused: pa === '1' };
      if (this.model.isServed(wf)) expect(Number(nx)).toBeGreaterThan(0);
    }
    // Which sets of workers live is there, too.
    const { set: _living, ...controls } = await redis.hgetall(key('controls'));
    const limits = Object.fromEntries(Object.entries(controls).sort());
    const declared: Snapshot['declared'] = {};
    for (const name of names) declared[name] = (await redis.hkeys(key(`declared:${name}`))).sort();
    const unserved = (await redis.zrange(key('unserved'), '0', '-1')).sort();
    return { names, subscriptions, schedules, limits, declared, held: await redis.hgetall(key('held')), unserved };
  }
}

it(
  `holds what the model says, in ${HISTORIES} random histories of ${SERVICES.length} services`,
  async () => {
    const room = openEngineRoom();
    let next = FIRST_SEED;
    const play = async () => {
      while (next < FIRST_SEED + HISTORIES) await new History(room, next++).play();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, play));
  },
  Math.max(300_000, HISTORIES * 1_000),
);
