import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as errors from '../../../lib/engine/core/errors/index.js';
import { LUA_BODY } from '../../../lib/engine/redis/script/lua.generated.js';
import { LUA_TABLES } from '../../../lib/engine/redis/stored-names.js';
import { buildScript as build } from '../../../scripts/lua/build.mjs';
import { readDefinitions } from '../../../scripts/lua/definitions.mjs';

const FOLDER = 'lib/engine/redis';
const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.lua'));
const sources = new Map(files.map((file) => [basename(file, '.lua'), readFileSync(`${FOLDER}/${file}`, 'utf8')]));

const definitions = readDefinitions(FOLDER);

const buildScript = (texts: Map<string, string>): string => build(texts, LUA_TABLES, definitions);

/** The sources with one of them changed, or added to. */
function edited(file: string, change: (text: string) => string): Map<string, string> {
  const before = sources.get(file) ?? '';
  const after = change(before);
  expect(after).not.toBe(before);
  return new Map(sources).set(file, after);
}

const lineOf = (file: string, part: string): number => (sources.get(file) ?? '').split(part)[0].split('\n').length;
const append = (more: string) => (text: string) => `${text.trimEnd()}\n${more}\n`;
const lastLine = (file: string): number => (sources.get(file) ?? '').trimEnd().split('\n').length;
const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

describe('buildScript()', () => {
  it('makes what is generated', () => {
    expect(`${buildScript(sources)}\n`).toBe(LUA_BODY);
  });

  it('refuses an `if` that is not closed', () => {
    const unclosed = edited('finish-run', (text) => text.replace("  return 'OK'\nend", "  return 'OK'"));
    expect(() => buildScript(unclosed)).toThrow(/^finish-run\.lua:\d+: 'end' expected near 'if': correct the syntax\.$/);
  });

  it('refuses a misspelled function, and names the one that is meant', () => {
    const misspelled = edited('finish-run', (text) => text.replace('terminate(id, run', 'terminat(id, run'));
    expect(() => buildScript(misspelled)).toThrow(
      `finish-run.lua:${lineOf('finish-run', 'terminate(id')}: "terminat" is defined nowhere. Did you mean "terminate"?`,
    );
  });

  it('refuses a misspelled function of a table, of ours or of Lua', () => {
    expect(() => buildScript(edited('block-run', (text) => text.replace('blocks.set_aside', 'blocks.put_aside')))).toThrow(
      /^block-run\.lua:\d+: "blocks" has no "put_aside"\. Did you mean "set_aside"\?$/,
    );
    expect(() => buildScript(edited('park-run', (text) => text.replace('string.match', 'string.mach')))).toThrow(
      /^park-run\.lua:\d+: "string" has no "mach"\. Did you mean "match"\?$/,
    );
  });

  it('refuses a global that would be made', () => {
    expect(() => buildScript(edited('claim-runs', (text) => text.replace('local again = false', 'again = false')))).toThrow(
      /^claim-runs\.lua:\d+: "again" is assigned to but declared nowhere: begin with "local again =".$/,
    );
  });

  it('refuses a shared function that nobody uses', () => {
    expect(() => buildScript(edited('gates', append('local function nobody(id) return id end')))).toThrow(
      `gates.lua:${lastLine('gates') + 1}: "nobody" is used nowhere: remove it.`,
    );
    const circle = append(
      'local function left(id) return id end\nlocal function right(id)\n  return id > 0 and right(left(id))\nend',
    );
    expect(() => buildScript(edited('gates', circle))).toThrow('"left" is used nowhere');
  });

  it('refuses what each call would make though no frequent transition uses it', () => {
    const seldom = edited('terminate', append('local function seldom(id) return id end')).set(
      'lose-leases',
      `${sources.get('lose-leases')}`.replace('return ', 'seldom(1)\nreturn '),
    );
    expect(() => buildScript(seldom)).toThrow(
      `terminate.lua:${lastLine('terminate') + 1}: "seldom" is made at each call, but no frequent transition uses it: move it`,
    );
  });

  it('refuses a name that is declared later, in the same source or in another one', () => {
    expect(() =>
      buildScript(
        edited('packed-runs', append('local early = function() return late() end\nlocal function late() return early() end')),
      ),
    ).toThrow(/^packed-runs\.lua:\d+: "late" is used before it is declared: move its declaration up\.$/);
    expect(() =>
      buildScript(
        edited('packed-runs', (text) => text.replace('local function pack(id)', 'local function pack(id)\n  go_on(id, 0)')),
      ),
    ).toThrow(
      /^packed-runs\.lua:\d+: "go_on" is declared in fan-out\.lua, which comes later: list "fan-out" before "packed-runs" in rare of/,
    );
  });

  it('refuses a shared name that is declared twice', () => {
    expect(() => buildScript(edited('cancel', append('local function deliver(id) return id end')))).toThrow(
      /^cancel\.lua:\d+: "deliver" is declared in deliver\.lua, too: give one of them another name\.$/,
    );
  });

  it('refuses to hand out a value that changes where it is made on demand', () => {
    const changing = edited('routes', append('local seen = 0\nlocal function see() seen = seen + 1 end\nsee()')).set(
      'lose-leases',
      `${sources.get('lose-leases')}`.replace('return ', 'if seen > 0 then return 1 end\nreturn '),
    );
    expect(() => buildScript(changing)).toThrow(/^lose-leases\.lua:\d+: "seen" gets another value in routes\.lua/);
  });

  it('refuses more local names, or names of outside, than Lua allows a function', () => {
    const locals = names('a', 190).map((name) => `local ${name} = 1`);
    expect(() => buildScript(edited('packed-runs', append(locals.join('\n'))))).toThrow(
      /^packed-runs\.lua:1: .* has \d+ local names at once, Lua allows 200: put functions that belong together into one table/,
    );
    const outside = [
      ...names('b', 61).map((name) => `local ${name} = 1`),
      `local function far() return ${names('b', 61).join(' + ')} end`,
      'far()',
    ];
    expect(() => buildScript(edited('lose-leases', (text) => text.replace('return ', `${outside.join('\n')}\nreturn `)))).toThrow(
      /^lose-leases\.lua:\d+: "far" uses 61 names of outside, Lua allows 60: split it/,
    );
  });

  it('puts in how what is made on demand is come by, where the source only names it', () => {
    const source = `${sources.get('terminate')}`;
    expect(source).toContain(' deliver_ends(id, outcome, payload)');
    expect(source).not.toMatch(/\b(rare|routing)\(/);
    expect(buildScript(sources)).toContain('rare().deliver_ends(id, outcome, payload)');
    const added = edited('finish-run', (text) =>
      text.replace("return 'OK'\nend", "  tell(run.workerId, 'declare')\n  return 'OK'\nend"),
    );
    const script = buildScript(added);
    expect(script).toContain("rare().tell(run[3], 'declare')");
    expect(script).toMatch(/made_by_rare = \{.* tell = tell,? .*\}/);
  });

  it('puts the place of a field where the source has its name, and letters for statuses', () => {
    expect(sources.get('park-run')).toContain('move(id, run.workflow, run.queue, run.stamp, STATUS.running, STATUS.waiting)');
    expect(buildScript(sources)).toContain("move(id, run[10], run[11], run[12], 'r', 'w')");
  });

  it('refuses a field, or a status, that is in no table', () => {
    expect(() => buildScript(edited('terminate', (text) => text.replace('RUN.finishedAt', 'RUN.finishedat')))).toThrow(
      /^terminate\.lua:\d+: RUN has no "finishedat"\. Did you mean "finishedAt"\?$/,
    );
    expect(() =>
      buildScript(edited('park-run', (text) => text.replace('RUN.status, STATUS.waiting', 'RUN.status, STATUS.parked'))),
    ).toThrow(/^park-run\.lua:\d+: STATUS has no "parked"\. The names are in stored-names\.ts\.$/);
  });

  it('refuses a field that was not asked for, also where the run comes from a caller', () => {
    expect(() => buildScript(edited('terminate', (text) => text.replace('run.held, ', 'run.heldd, ')))).toThrow(
      /^terminate\.lua:\d+: "run" has no "heldd"\. Did you mean "held"\?$/,
    );
    expect(() => buildScript(edited('terminate', (text) => text.replace('run.held, ', 'run.mutex, ')))).toThrow(
      /^terminate\.lua:\d+: "run" has no "mutex"\. It was asked for status, fence, workerId, /,
    );
    expect(() => buildScript(edited('resume-run', (text) => text.replace('blocked.queue', 'blocked.status')))).toThrow(
      /^resume-run\.lua:\d+: "blocked" has no "status"\./,
    );
  });

  it('refuses a position, a code and a code that nobody has declared', () => {
    expect(() => buildScript(edited('terminate', (text) => text.replace('run.held, ', 'run[13], ')))).toThrow(
      /^terminate\.lua:\d+: read by its name: run\.held for run\[13\]\.$/,
    );
    expect(() => buildScript(edited('park-run', (text) => text.replace('RUN.startedAt', "'sa'")))).toThrow(
      /^park-run\.lua:\d+: write RUN\.startedAt for 'sa'\.$/,
    );
    expect(() => buildScript(edited('park-run', (text) => text.replace('RUN.startedAt', "'zz'")))).toThrow(
      /^park-run\.lua:\d+: 'zz' is no field of RUN: add it to stored-names\.ts\.$/,
    );
  });

  it('refuses a name of what has come in a way that it does not follow', () => {
    const odd = 'local function queue_of(run) return run.queue end\nqueue_of(tonumber(1))\nreturn ';
    expect(() => buildScript(edited('lose-leases', (text) => text.replace('return ', odd)))).toThrow(
      /^lose-leases\.lua:\d+: what "run" is cannot be told, so "queue" has no place in it: read it with HMGET/,
    );
  });

  it('refuses to read a field by name where callers have it in different places', () => {
    const order = (text: string) =>
      text.replace(
        'RUN.finishedAt, RUN.staleEntries, RUN.status, RUN.workflow',
        'RUN.status, RUN.finishedAt, RUN.staleEntries, RUN.workflow',
      );
    expect(() => buildScript(edited('sweep-history', order))).toThrow(
      /^sweep-history\.lua:\d+: "run" comes from several reads, and not all of them have "status" in one place/,
    );
  });

  it('knows the codes of the errors that scripts write', () => {
    const classes = errors as unknown as Record<string, { prototype: Error } | undefined>;
    for (const [name, code] of Object.entries(LUA_TABLES.ERROR)) {
      expect(Object.create(classes[name]?.prototype ?? null)).toBeInstanceOf(Error);
      expect(`${classes[name]}`).toContain(`'${code}'`);
    }
  });

  it('refuses a manifest that lists what is not there', () => {
    const without = new Map(sources);
    without.delete('gates');
    expect(() => buildScript(without)).toThrow(
      'scripts/lua/manifest.mjs lists "gates", but there is no gates.lua: correct the list.',
    );
  });
});
