import { describe, expect, it } from '@jest/globals';
import { createRegistry, defineWorkflow } from 'nestjs-redflow/engine';
import { eventually } from '../support/eventually.js';
import { gateKeysUnder, mostAtOnce, spanOf } from '../support/gates.js';
import { type Effect, Stage } from './stage.js';
import { Supervisor } from './supervisor.js';

const FIXTURE = 'gated-worker.mjs';
const OPTIONS = { leaseMs: 1_000, reaperIntervalMs: 100, maxRecoveries: 1_000, concurrency: 5 };
const RUNS = 150;
const RUNS_PER_KILL = 15;
const KEYS = 5;
const SLOTS = 3;

/** What the handlers have told shows two runs under one key, or more of them at work than there are slots. A killed run is still there. */
function violationsIn(effects: Effect[]): string[] {
  const holders = new Map<string, string>();
  const working = new Set<string>();
  const violations: string[] = [];
  for (const { runId, point, value = '' } of effects) {
    const holder = holders.get(value) ?? runId;
    if (holder !== runId) violations.push(`${runId} met ${holder} at ${point}`);
    if (point === 'leave') holders.delete(value);
    else holders.set(value, runId);
    if (point === 'take') working.add(runId);
    if (point === 'free') working.delete(runId);
    if (working.size > SLOTS) violations.push(`${[...working]} work`);
  }
  return violations;
}

describe('gates', () => {
  it('let nobody in who must not be, and all in the end, while their workers are killed again and again', async () => {
    const stage = new Stage();
    const supervisors = [1, 2, 3].map(() => new Supervisor(() => stage.spawn(FIXTURE, { options: OPTIONS })));
    await eventually(async () => expect(await stage.client.listWorkflows()).toContain('gated'));
    const inputs = Array.from({ length: RUNS }, (_, n) => ({ input: { key: `key ${n % KEYS}`, waits: n % 3 === 0 } }));
    // Half of them by a client that knows their keys; those of the others are asked for by the worker that claims them.
    const known = defineWorkflow('gated', {
      handler: () => undefined,
      mutex: ({ key }: (typeof inputs)[0]['input']) => key,
      registry: createRegistry(),
    });
    await stage.client.runMany(known, inputs.slice(0, RUNS / 2));
    await stage.client.runMany('gated', inputs.slice(RUNS / 2));

    const ended = async () => (await stage.client.getStats()).runs.succeeded;
    let kills = 0;
    for (let next = RUNS_PER_KILL; next < RUNS; next += RUNS_PER_KILL) {
      await eventually(async () => (await ended()) >= next, `${next} runs have succeeded`, 60_000);
      await supervisors[kills++ % supervisors.length].kill();
    }
    await eventually(async () => (await ended()) === RUNS, 'all runs have succeeded', 60_000);
    await Promise.all(supervisors.map((supervisor) => supervisor.stop()));

    expect(supervisors.reduce((sum, { deaths }) => sum + deaths, 0)).toBe(kills);
    expect(violationsIn(await stage.effects())).toEqual([]);
    const { items: runs } = await stage.client.listRuns({ limit: 1_000 });
    expect(runs).toHaveLength(RUNS);
    expect(runs.some(({ recoveries }) => recoveries > 0)).toBe(true);
    for (let key = 0; key < KEYS; key++) {
      const ofKey = runs.filter(({ input }) => (input as { key: string }).key === `key ${key}`);
      expect(mostAtOnce(ofKey.map(spanOf))).toBe(1);
    }
    const passes = (await Promise.all(runs.map(({ id }) => stage.client.getRunAttempts(id)))).flat();
    expect(mostAtOnce(passes.map(spanOf))).toBe(SLOTS);
    expect(await gateKeysUnder(stage.prefix)).toEqual([]);
  });
});
