import { setTimeout as delay } from 'node:timers/promises';
import type { WorkflowContext } from '../../lib/engine/index.js';

/** A handler as data, so that it can be made at random, and changed. */
export type Program =
  | { readonly is: 'step'; readonly name: string; readonly effect: string; readonly failures: number; readonly undone: boolean }
  | { readonly is: 'sleep' | 'any'; readonly name: string }
  | { readonly is: 'emit'; readonly name: string; readonly effect: string }
  | { readonly is: 'seq' | 'all' | 'race' | 'settled'; readonly parts: readonly Program[] }
  | { readonly is: 'loop' | 'if'; readonly by: Program; readonly parts: readonly Program[] }
  | { readonly is: 'try'; readonly rethrows: boolean; readonly parts: readonly Program[] }
  | { readonly is: 'attempt'; readonly parts: readonly Program[] }
  | { readonly is: 'delay'; readonly ms: number }
  | { readonly is: 'commit' };

export type Random = () => number;

/** mulberry32. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface Taste {
  /** Steps that fail, and handlers that catch that, or go by their attempt. */
  readonly fails: boolean;
  /** Calls between steps that are none. */
  readonly delays: boolean;
}

export function randomProgram(random: Random, taste: Taste): Program {
  let names = 0;
  const pick = (count: number) => Math.floor(random() * count);
  const step = (): Program => {
    const name = `s${++names}`;
    const failures = taste.fails && pick(6) === 0 ? 1 + pick(2) : 0;
    return { is: 'step', name, effect: name, failures, undone: pick(5) === 0 };
  };
  const leaf = (inRace: boolean): Program => {
    const kind = pick(12);
    if (kind === 0) return { is: 'sleep', name: `w${++names}` };
    if (kind === 1) return { is: 'any', name: `a${++names}` };
    if (kind === 2) return { is: 'commit' };
    if (kind === 3 && taste.delays && !inRace) return { is: 'delay', ms: pick(4) };
    if (kind === 4) {
      const name = `e${++names}`;
      return { is: 'emit', name, effect: name };
    }
    return step();
  };
  const parts = (depth: number, inRace: boolean): Program[] => Array.from({ length: 1 + pick(3) }, () => node(depth - 1, inRace));
  const node = (depth: number, inRace: boolean): Program => {
    if (depth === 0) return leaf(inRace);
    switch (pick(taste.fails ? 9 : 7)) {
      case 0:
        return leaf(inRace);
      case 1:
        return { is: 'all', parts: parts(depth, inRace) };
      case 2:
        return { is: 'race', parts: parts(depth, true) };
      case 3:
        return { is: 'settled', parts: parts(depth, inRace) };
      case 4:
        return { is: 'loop', by: step(), parts: parts(depth, inRace) };
      case 5:
        return { is: 'if', by: step(), parts: [node(depth - 1, inRace), node(depth - 1, inRace)] };
      case 7:
        return { is: 'try', rethrows: pick(2) === 0, parts: [node(depth - 1, inRace), node(depth - 1, inRace)] };
      case 8:
        return pick(4) === 0 ? { is: 'attempt', parts: [node(depth - 1, inRace), node(depth - 1, inRace)] } : step();
      default:
        return { is: 'seq', parts: parts(depth, inRace) };
    }
  };
  return { is: 'seq', parts: [step(), ...Array.from({ length: 2 + pick(4) }, () => node(3, false))] };
}

/** What the effects of a program were, by execution. */
export class Effects {
  readonly executed: string[] = [];
  private readonly failed = new Map<string, number>();

  /** @param random what outcomes are made of: they differ from one execution to the next, as those of the world do */
  constructor(private readonly random: Random) {}

  async happen(effect: string, failures: number): Promise<number> {
    this.executed.push(effect);
    const turns = Math.floor(this.random() * 4);
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    const failed = this.failed.get(effect) ?? 0;
    this.failed.set(effect, failed + 1);
    if (failed < failures) throw new Error(`${effect} failed`);
    return Math.floor(this.random() * 1_000);
  }
}

/** Executes a program as a handler. */
export async function interpret(program: Program, ctx: WorkflowContext, effects: Effects, at = ''): Promise<number> {
  const run = (part: Program, place = at) => interpret(part, ctx, effects, place);
  const sequence = async (parts: readonly Program[], place = at): Promise<number> => {
    let last = 0;
    for (const part of parts) last = await run(part, place);
    return last;
  };
  switch (program.is) {
    case 'step': {
      const { effect, failures, undone } = program;
      const options = undone ? { compensate: () => undefined } : undefined;
      return ctx.step.run(`${program.name}${at}`, () => effects.happen(`${effect}${at}`, failures), options);
    }
    case 'sleep':
      await ctx.step.waitFor(`${program.name}${at}`, 1_000);
      return 1;
    case 'any': {
      const { winner } = await ctx.step.waitForAny(`${program.name}${at}`, { soon: { for: 500 }, late: { for: 900 } });
      return winner === 'soon' ? 2 : 3;
    }
    case 'emit':
      await ctx.step.emitEvent(`${program.name}${at}`, 'something.happened', {});
      return 4;
    case 'delay':
      await delay(program.ms);
      return 5;
    case 'commit':
      await ctx.commit();
      return 6;
    case 'seq':
      return sequence(program.parts);
    case 'all':
      return (await Promise.all(program.parts.map((part) => run(part)))).reduce((sum, value) => sum + value, 0);
    case 'race': {
      const racing = program.parts.map((part) => run(part));
      for (const one of racing) one.catch(() => undefined);
      return Promise.race(racing);
    }
    case 'settled': {
      const outcomes = await Promise.allSettled(program.parts.map((part) => run(part)));
      return outcomes.filter(({ status }) => status === 'fulfilled').length;
    }
    case 'loop': {
      const count = (await run(program.by)) % 3;
      for (let turn = 0; turn < count; turn++) await sequence(program.parts, `${at}.${turn}`);
      return count;
    }
    case 'if':
      return run(program.parts[(await run(program.by)) % 2]);
    case 'attempt':
      return run(program.parts[ctx.run.attempt === 1 ? 0 : 1]);
    case 'try':
      try {
        return await run(program.parts[0]);
      } catch (error) {
        await run(program.parts[1]);
        if (program.rethrows) throw error;
        return 7;
      }
  }
}

/** A program with one of its steps under another name, left out, or in another place; undefined if it has no such step. */
export function mutated(program: Program, effect: string, change: 'rename' | 'remove' | 'swap'): Program | undefined {
  let found = false;
  const change1 = (node: Program): Program => {
    if ((node.is === 'step' || node.is === 'emit') && node.effect === effect && !found) {
      if (change === 'rename') {
        found = true;
        return { ...node, name: `${node.name}-renamed` };
      }
      if (change === 'remove') {
        found = true;
        return { is: 'seq', parts: [] };
      }
    }
    if ('by' in node) return { ...node, by: change1(node.by), parts: node.parts.map(change1) };
    if (!('parts' in node)) return node;
    const parts = [...node.parts];
    const at = parts.findIndex((part) => part.is === 'step' && part.effect === effect);
    if (change === 'swap' && node.is === 'seq' && at >= 0 && at + 1 < parts.length) {
      found = true;
      [parts[at], parts[at + 1]] = [parts[at + 1], parts[at]];
      return { ...node, parts };
    }
    return { ...node, parts: parts.map(change1) };
  };
  const result = change1(program);
  return found ? result : undefined;
}
