import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { createRegistry, RedflowClient } from 'nestjs-redflow/engine';
import { defineBuild } from '../fixtures/deploy-workflows.mjs';
import { RedisServers } from './redis-servers.mjs';

const PREFIX = 'deploys';
const LEDGER = 'ledger';
const FIXTURE = fileURLToPath(new URL('../fixtures/deploy-worker.mjs', import.meta.url));
const SILENT = { log() {}, warn() {}, error() {} };
const READY_MS = 60_000;
const SETTLE_MS = 90_000;
/** An instant may still be on its way when a deploy takes its schedule away. */
const BORDER_MS = 1_500;
const PAUSED = ['keep-paused', 'trim-paused'];

/**
 * A shop of several workers that is deployed anew, and a mail service beside it, under load: see `fixtures/deploy-workflows.mjs`.
 * Whoever deploys says when he knows what holds ({@link phase}); {@link judge} compares every event, instant and run with that.
 */
export class RollingDeploy {
  pods = [];
  #servers = new RedisServers();
  #acknowledged = { runs: new Map(), events: new Set() };
  #phases = [];
  #pending = new Set();
  #refusals = new Map();
  #number = 0;
  #kills = 0;

  /**
   * @param options.rate orders per second; an order makes about 15 runs
   * @param options.deployments names of the builds' deployments; digests without it
   */
  constructor({ workers = 5, rate = 10, paceMs = 2_000, leaseMs = 3_000, deployments } = {}) {
    this.options = { workers, rate, paceMs, leaseMs, deployments };
  }

  /** All workers have the old build, two schedules are paused, and the load goes on. */
  async begin() {
    this.server = await this.#servers.start();
    this.ledger = new Redis(this.server.url);
    const client = (registry) => new RedflowClient({ url: this.server.url, prefix: PREFIX, logger: SILENT }, { registry });
    const registry = createRegistry();
    this.definitions = defineBuild('old', { registry });
    /** Has the old build, as a web server that is deployed last. */
    this.informed = client(registry);
    this.stranger = client(createRegistry());
    const { workers } = this.options;
    [this.mail, ...this.pods] = await Promise.all([
      this.spawn('mail'),
      ...Array.from({ length: workers }, () => this.spawn('old')),
    ]);
    for (const id of PAUSED) await this.stranger.pauseSchedule(id);
    this.phase({ holder: 'old', old: true, new: false, fresh: false });
    // What was made before the pauses is not meant.
    this.beganAt = Date.now();
    this.#load();
    await this.pace();
  }

  pace(times = 1) {
    return delay(this.options.paceMs * times);
  }

  /** From now on this is certain; what is undefined is not. */
  phase(known) {
    this.#phases.push({ from: Date.now(), ...known });
  }

  /** @returns a worker that claims runs */
  async spawn(build) {
    const pod = this.spawnSoon(build);
    await pod.ready;
    return pod;
  }

  spawnSoon(build) {
    const { leaseMs, deployments } = this.options;
    const options = { leaseMs, reaperIntervalMs: 300, deployment: deployments?.[build] };
    const { url } = this.server;
    const child = fork(FIXTURE, [build], {
      execArgv: [],
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        REDIS_URL: url,
        REDFLOW_PREFIX: PREFIX,
        LEDGER_URL: url,
        LEDGER_KEY: LEDGER,
        WORKER_OPTIONS: JSON.stringify(options),
      },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    return new Pod(build, child);
  }

  async kill(pod) {
    this.#kills++;
    await pod.end('SIGKILL');
  }

  /** A worker in a crash loop: killed a second after each start, now and then while it boots, until `stop()` of the answer. */
  crashLoop(build) {
    let isStopped = false;
    const loop = async () => {
      let crashes = 0;
      while (!isStopped) {
        const pod = this.spawnSoon(build);
        await (crashes % 3 === 2 ? delay(300) : pod.ready.then(() => delay(1_000)));
        await this.kill(pod);
        crashes++;
      }
      return crashes;
    };
    const crashes = loop();
    return {
      stop: () => {
        isStopped = true;
        return crashes;
      },
    };
  }

  /** Resolves once Redis says that a schedule holds. @returns how long that took */
  async untilHeld(id) {
    const began = performance.now();
    while (!(await this.stranger.listSchedules()).some((schedule) => schedule.id === id)) {
      if (performance.now() - began > READY_MS) throw new Error(`Schedule "${id}" was not declared in ${READY_MS} ms.`);
      await delay(10);
    }
    return Math.round(performance.now() - began);
  }

  /** Ends the load, lets what can end do so, then starts a worker of each build for the rest, and compares all with what was certain. */
  async judge() {
    clearInterval(this.timer);
    await Promise.all(this.#pending);
    const loadEndedAt = Date.now();
    const violations = [];
    const isResting = (run) => this.#isResting(run);
    const left = await this.#settle(isResting);
    for (const run of left.filter((open) => !isResting(open))) violations.push(`stuck: ${describe(run)}`);
    const resting = left.filter(isResting).length;
    const drainedFrom = Date.now();
    this.phase({ old: true, new: true, fresh: true });
    this.pods.push(...(await Promise.all([this.spawn('old'), this.spawn('new')])));
    for (const run of await this.#settle(() => false)) violations.push(`stuck beside workers of both builds: ${describe(run)}`);
    await Promise.all([this.mail, ...this.pods].map((pod) => pod.end('SIGTERM')));
    const all = await this.#runs();
    this.#judgeRuns(
      // Schedules go on until the very end.
      all.filter(({ createdAt, scheduleId }) => createdAt < drainedFrom || !scheduleId),
      violations,
    );
    this.#judgeEvents(all, violations);
    this.#judgeSchedules(all, loadEndedAt, violations);
    await this.#judgeEffects(all, violations);
    return {
      acknowledged: this.#acknowledged.runs.size,
      events: this.#acknowledged.events.size,
      runs: all.length,
      kills: this.#kills,
      recoveries: all.reduce((sum, run) => sum + run.recoveries, 0),
      rested: resting,
      refusals: Object.fromEntries(this.#refusals),
      latencies: this.#latencies(all.filter(({ createdAt, startedAt }) => createdAt < loadEndedAt && startedAt < drainedFrom)),
      violations,
    };
  }

  async close() {
    clearInterval(this.timer);
    await Promise.all([this.mail, ...this.pods].map((pod) => pod?.end('SIGKILL')));
    await Promise.allSettled([this.informed?.close(), this.stranger?.close()]);
    this.ledger?.disconnect();
    await this.#servers.close();
  }

  #load() {
    this.timer = setInterval(() => {
      const number = ++this.#number;
      const { informed, stranger, definitions } = this;
      const byClass = (name, runId) => informed.run(definitions[name], number, { runId });
      const byName = (name, runId) => stranger.runByName(name, number, { runId });
      const create = number % 2 ? byClass : byName;
      for (const name of Object.keys(definitions)) {
        const runId = `${name}-${number}`;
        this.#insist(
          () => create(name, runId),
          () => this.#acknowledged.runs.set(runId, Date.now()),
        );
      }
      const eventId = `placed-${number}`;
      const emitter = number % 4 < 2 ? informed : stranger;
      this.#insist(
        () => emitter.emitEvent('order.placed', number, { eventId }),
        () => this.#acknowledged.events.add(eventId),
      );
    }, 1_000 / this.options.rate);
  }

  /** Repeats a call that failed, as the documentation says. */
  #insist(call, acknowledge) {
    const done = (async () => {
      for (;;) {
        try {
          await call();
          return acknowledge();
        } catch (error) {
          const name = `${error.name}: ${error.message}`.replace(/\d+/g, 'N').slice(0, 160);
          this.#refusals.set(name, (this.#refusals.get(name) ?? 0) + 1);
          await delay(100);
        }
      }
    })().finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  /** Waits until no run is open but those that may rest. @returns the open ones */
  async #settle(mayRest) {
    const deadline = performance.now() + SETTLE_MS;
    for (;;) {
      const open = await this.#runs(['scheduled', 'queued', 'running', 'waiting']);
      // Schedules go on: what was created just now is not stuck.
      const old = open.filter((run) => run.createdAt < Date.now() - 1_500 || !run.scheduleId);
      if (old.every(mayRest) || performance.now() > deadline) return old;
      await delay(250);
    }
  }

  /** Nobody alive has its workflow, or the version that it is pinned to. */
  #isResting({ workflow, version }) {
    const { old: hasOld, new: hasNew } = this.#phases.at(-1);
    if (!hasOld && (workflow === 'gone' || (workflow === 'build' && version === 'old'))) return true;
    return !hasNew && (workflow === 'fresh' || version === '2' || version === 'new');
  }

  async #runs(status) {
    const runs = [];
    let cursor;
    do {
      const page = await this.stranger.listRuns({ status, limit: 1_000, sort: 'asc', cursor });
      runs.push(...page.items);
      cursor = page.cursor;
    } while (cursor);
    return runs;
  }

  #phaseAt(time) {
    return this.#phases.findLast(({ from }) => from <= time) ?? this.#phases[0];
  }

  #judgeRuns(runs, violations) {
    const known = new Set(runs.map(({ id }) => id));
    for (const id of this.#acknowledged.runs.keys()) if (!known.has(id)) violations.push(`lost: run ${id}`);
    for (const run of runs) {
      const { status, workflow, output, version, startedAt, input } = run;
      if (status !== 'succeeded') {
        violations.push(`not succeeded: ${describe(run)} ${run.error?.message ?? ''}`);
        continue;
      }
      if (workflow === 'order' && output?.letter !== input) violations.push(`wrong output: ${describe(run)}`);
      if (workflow !== 'bill' && workflow !== 'build') continue;
      if (output !== version) violations.push(`executed by another version: ${describe(run)} gave ${output}`);
      const { holder } = this.#phaseAt(startedAt);
      const current = { bill: { old: '1', new: '2' }, build: { old: 'old', new: 'new' } }[workflow][holder];
      if (current !== undefined && version !== current) violations.push(`not begun on version ${current}: ${describe(run)}`);
    }
  }

  /** Whoever subscribes all the time has each event once; who is new or removed, from the switch on or until it. */
  #judgeEvents(runs, violations) {
    const deliveries = groupBy(
      runs.filter(({ eventId }) => eventId !== undefined),
      ({ eventId, workflow }) => `${eventId} ${workflow}`,
    );
    const orders = runs.filter(({ workflow }) => workflow === 'order').map(({ id }) => `done-${id}`);
    for (const event of [...this.#acknowledged.events, ...orders]) {
      const [kept] = deliveries.get(`${event} keep`) ?? [];
      const phase = kept ? this.#phaseAt(kept.createdAt) : {};
      const wanted = {
        keep: true,
        mail: true,
        gone: true,
        trim: phase.holder && phase.holder === 'old',
        grow: phase.holder && phase.holder === 'new',
        fresh: phase.fresh,
      };
      for (const [workflow, isWanted] of Object.entries(wanted)) {
        const count = deliveries.get(`${event} ${workflow}`)?.length ?? 0;
        const most = isWanted === false ? 0 : 1;
        if (count > most || count < (isWanted ? 1 : 0)) {
          violations.push(`event ${event}: ${count} runs of ${workflow} (${sinceStart(this, kept?.createdAt)})`);
        }
      }
    }
  }

  /** One run for each second in which a schedule is known to hold, and none where it is known not to. */
  #judgeSchedules(runs, until, violations) {
    const verdicts = {
      'keep-second': () => true,
      'mail-second': () => true,
      'keep-paused': () => false,
      'trim-paused': () => false,
      'trim-second': ({ holder }) => holder && holder === 'old',
      'grow-second': ({ holder }) => holder && holder === 'new',
      'gone-second': (phase) => phase.old,
      'fresh-second': (phase) => phase.new,
    };
    const ticks = groupBy(
      runs.filter(({ scheduleId }) => scheduleId !== undefined),
      ({ scheduleId }) => scheduleId,
    );
    for (const [id, verdict] of Object.entries(verdicts)) {
      const fired = ticks.get(id) ?? [];
      const counts = new Map();
      for (const { scheduledFor } of fired) counts.set(scheduledFor, (counts.get(scheduledFor) ?? 0) + 1);
      for (const [instant, count] of counts) {
        if (count > 1) violations.push(`schedule ${id}: ${count} runs for ${sinceStart(this, instant)}`);
      }
      for (const run of fired) {
        if (run.createdAt > this.beganAt && verdict(this.#phaseAt(run.createdAt)) === false) {
          violations.push(`schedule ${id}, which does not hold, fired at ${sinceStart(this, run.createdAt)}`);
        }
      }
      for (const [from, to] of this.#spans(verdict, until)) {
        for (let instant = Math.floor(from / 1_000) * 1_000 + 1_000; instant < to - BORDER_MS; instant += 1_000) {
          if (!counts.has(instant)) violations.push(`schedule ${id} has no run for ${sinceStart(this, instant)}`);
        }
      }
    }
  }

  /** The times at which a verdict is true. */
  #spans(verdict, until) {
    const spans = [];
    let isOpen = false;
    for (const [at, phase] of this.#phases.entries()) {
      const to = this.#phases[at + 1]?.from ?? until;
      if (verdict(phase) !== true) isOpen = false;
      else if (isOpen) spans.at(-1)[1] = to;
      else {
        spans.push([phase.from, to]);
        isOpen = true;
      }
    }
    return spans;
  }

  /** Only a run that was taken from a dead worker does anything a second time. */
  async #judgeEffects(runs, violations) {
    const recoveries = new Map(runs.map((run) => [run.id, run.recoveries]));
    const effects = await this.ledger.hgetall(`${LEDGER}:counts`);
    for (const [key, count] of Object.entries(effects)) {
      const [runId] = key.split(' ');
      if (Number(count) > 1 + (recoveries.get(runId) ?? 0)) violations.push(`done ${count} times: ${key}`);
    }
    this.repeated = Object.values(effects).filter((count) => Number(count) > 1).length;
  }

  #latencies(runs) {
    const begun = runs.filter((run) => this.#isServedAt(run));
    const of = (picked) => picked.map(({ startedAt, createdAt }) => startedAt - createdAt);
    const versioned = ({ workflow }) => workflow === 'bill' || workflow === 'build';
    return {
      'start, created by class or name': summary(of(begun.filter((run) => run.trigger === 'api' && !versioned(run)))),
      'start, with versions': summary(of(begun.filter(versioned))),
      'start, children': summary(of(begun.filter(({ trigger }) => trigger === 'child'))),
      'start, of events': summary(of(begun.filter(({ trigger }) => trigger === 'event'))),
      'start, of schedules': summary(
        begun.filter(({ trigger }) => trigger === 'cron').map(({ startedAt, scheduledFor }) => startedAt - scheduledFor),
      ),
      'end of a sleep': summary(runs.flatMap(({ output }) => output?.lateMs ?? [])),
    };
  }

  #isServedAt({ workflow, createdAt }) {
    const phase = this.#phaseAt(createdAt);
    if (workflow === 'gone') return phase.old === true;
    if (workflow === 'fresh') return phase.new === true;
    return true;
  }
}

class Pod {
  constructor(build, child) {
    this.build = build;
    this.child = child;
    this.exited = once(child, 'exit');
    this.ready = this.#ready();
    // A crash loop does not wait for each.
    this.ready.catch(() => {});
  }

  async end(signal) {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.exited;
  }

  #ready() {
    return new Promise((resolve, reject) => {
      let said = '';
      const timer = setTimeout(() => reject(new Error(`A worker of ${this.build} was not ready:\n${said}`)), READY_MS);
      this.child.stdout.on('data', (chunk) => {
        said += chunk;
        if (!/^ready/m.test(said)) return;
        clearTimeout(timer);
        said = '';
        resolve();
      });
      this.child.once('exit', () => {
        clearTimeout(timer);
        reject(new Error(`A worker of ${this.build} ended before it was ready:\n${said}`));
      });
    });
  }
}

const describe = ({ id, workflow, status, version, blockedBy, recoveries, eventId, scheduleId }) =>
  `${workflow} ${id} ${status}${version ? ` version ${version}` : ''}${blockedBy ? ` blocked by ${blockedBy}` : ''}` +
  `${recoveries ? `, ${recoveries} recoveries` : ''}${eventId ? ` of ${eventId}` : ''}${scheduleId ? ` of ${scheduleId}` : ''}`;

const sinceStart = ({ beganAt }, time) => (time === undefined ? 'never' : `${((time - beganAt) / 1_000).toFixed(2)} s`);

function summary(values) {
  values.sort((a, b) => a - b);
  const at = (share) => values[Math.min(values.length - 1, Math.floor(values.length * share))];
  return {
    count: values.length,
    p50: at(0.5),
    p99: at(0.99),
    max: values.at(-1),
    over100: values.filter((ms) => ms > 100).length,
  };
}

function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
