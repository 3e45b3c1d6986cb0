import { describe, expect, it } from '@jest/globals';
import type { WorkflowContext } from '../../../lib/engine/index.js';
import { Effects, interpret, mutated, type Program, randomOf, randomProgram, type Taste } from '../../support/random-program.js';
import { ReplayLab } from '../../support/replay-lab.js';

const SEEDS = Number(process.env.REDFLOW_TEST_SEEDS ?? 60);
/** A step is held for it at the most where something is missing: what is legitimate never waits for it. */
const options = { determinismGrace: 150, maxAttempts: 30, retries: { delay: 1 } };

const seeds = (from: number): number[] => Array.from({ length: SEEDS }, (_, index) => from + index);

function handlerOf(program: Program, effects: Effects) {
  return (ctx: WorkflowContext) => interpret(program, ctx, effects);
}

describe('handlers made at random, cut by crashes at random', () => {
  it.each([
    ['that only go by their steps', { fails: false, delays: false }],
    ['with calls between the steps', { fails: false, delays: true }],
    ['with failures, catches and retries', { fails: true, delays: false }],
    ['with all of it', { fails: true, delays: true }],
  ] satisfies Array<[string, Taste]>)(
    'are never blocked, and nothing is missed: those %s',
    async (_name, taste) => {
      let crashes = 0;
      let replayed = 0;
      for (const seed of seeds(1)) {
        const random = randomOf(seed);
        const program = randomProgram(random, taste);
        const world = randomOf(seed + 1_000_000);
        const effects = new Effects(world);
        const lab = new ReplayLab(options);
        const rate = random() * 0.3;
        await lab.execute(handlerOf(program, effects), () => lab.crashes < 40 && world() < rate);
        // A handler may succeed before a branch that it has left behind is back from a call.
        const unasked = taste.delays ? undefined : lab.run.data.get('ua');
        const seen = { seed, blocked: lab.blocked, unasked };
        expect(seen).toEqual({ seed, blocked: undefined, unasked: undefined });
        expect(lab.run.hasEnded).toBe(true);
        crashes += lab.crashes;
        replayed += lab.run.storedData.steps.size;
      }
      expect(crashes).toBeGreaterThan(SEEDS);
      expect(replayed).toBeGreaterThan(SEEDS * 4);
    },
    120_000,
  );
});

/** Effects whose steps are stored as done. */
function storedEffects(lab: ReplayLab): string[] {
  return [...lab.run.storedData.steps].flatMap(([name, { kind, status }]) =>
    (kind === 'r' || kind === 'v') && status === 's' ? [name] : [],
  );
}

describe('handlers made at random, changed while a run of theirs is under way', () => {
  it.each(['rename', 'remove', 'swap'] as const)(
    'are blocked, or do nothing twice: a step that is stored meets %s',
    async (change) => {
      let blocked = 0;
      let changed = 0;
      for (const seed of seeds(5_000)) {
        const random = randomOf(seed);
        const before = randomProgram(random, { fails: false, delays: false });
        const effects = new Effects(randomOf(seed + 1_000_000));
        const lab = new ReplayLab(options);
        // Cut behind so many writes, then deployed anew.
        let writes = 2 + Math.floor(random() * 12);
        await lab.execute(
          handlerOf(before, effects),
          () => --writes === 0,
          () => lab.crashes > 0,
        );
        const stored = storedEffects(lab);
        if (lab.run.hasEnded || stored.length === 0) continue;
        const chosen = stored[Math.floor(random() * stored.length)];
        const after = mutated(before, chosen.split('.')[0], change);
        if (!after) continue;
        changed++;
        const executed = effects.executed.length;
        await lab.execute(handlerOf(after, effects));
        const again = effects.executed.slice(executed).filter((effect) => stored.includes(effect));
        expect({ seed, chosen, again }).toEqual({ seed, chosen, again: [] });
        if (lab.blocked) blocked++;
      }
      expect(changed).toBeGreaterThan(SEEDS / 10);
      expect(blocked).toBeGreaterThan(changed / (change === 'rename' ? 2 : 10));
    },
    120_000,
  );
});
