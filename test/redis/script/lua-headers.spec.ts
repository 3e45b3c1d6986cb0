import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const LUA = 'lib/engine/redis';
const SCRIPT = 'scripts/build-lua.mjs';

let copy = '';

// The script works on the tree it lies in, so a broken one is tried in a copy.
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'redflow-lua-'));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const path of [SCRIPT, 'scripts/lua', LUA]) cpSync(join(root, path), join(copy, path), { recursive: true });
});

afterEach(() => rmSync(copy, { recursive: true }));

function check(tree = copy): { status: number | null; stderr: string } {
  return spawnSync(process.execPath, [join(tree, SCRIPT), '--check'], { encoding: 'utf8' });
}

function edit(file: string, change: (source: string) => string): void {
  const path = join(copy, LUA, file);
  const before = readFileSync(path, 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(path, after);
}

describe('build-lua --check', () => {
  it('finds the generated module up to date', () => {
    expect(check(root)).toMatchObject({ status: 0, stderr: '' });
  });

  it('says what to do when a source has changed since', () => {
    edit('runs/finish-run.lua', (lua) => lua.replace("return 'OK'", "return 'FINE'"));
    const { status, stderr } = check();
    expect(status).toBe(1);
    expect(stderr).toContain('lua.generated.ts is out of date: run `npm run build:lua`');
  });

  it('does not mind a changed comment', () => {
    edit('runs/finish-run.lua', (lua) => lua.replace('-- The history of a run', '-- The whole history of a run'));
    expect(check().status).toBe(0);
  });

  it.each([
    ['no header', (lua: string) => lua.replace('-- finish_run: ', '-- '), 'the header must begin with "-- finish_run: "'],
    ['no list of arguments', (lua: string) => lua.replace('-- ARGS\n', ''), 'the header needs "-- ARGS" and "-- RETURNS" lines'],
    ['no answer', (lua: string) => lua.replace('-- RETURNS', '-- ANSWERS'), 'the header needs "-- ARGS" and "-- RETURNS" lines'],
    [
      'an argument it never reads',
      (lua: string) => lua.replace('-- RETURNS', '--   unread\n-- RETURNS'),
      'argument "unread" is declared but never read',
    ],
    [
      'an argument that hides a name of the prelude',
      (lua: string) => lua.replace('-- RETURNS', '--   now\n-- RETURNS'),
      'argument "now" would hide a name of the prelude',
    ],
    [
      'a rest that is not the last argument',
      (lua: string) =>
        lua
          .replace('--   payload', '--   ...payload')
          .replace('-- RETURNS', '--   last\n-- RETURNS')
          .concat('\nreturn payload_first, last'),
      '"...payload" must be the last argument',
    ],
    [
      'arguments read past their names',
      (lua: string) => lua.replace("return 'OK'", 'return ARGV[base + 1]'),
      'arguments are read through their declared names',
    ],
  ])('refuses a transition with %s', (_, change, problem) => {
    edit('runs/finish-run.lua', change);
    const { status, stderr } = check();
    expect(status).not.toBe(0);
    expect(stderr).toContain(`finish-run.lua: ${problem}`);
  });

  it.each([
    [
      'arguments in another order',
      (source: string) => source.replace("'outcome', 'payload'", "'payload', 'outcome'"),
      'finish-run.lua: its header has the arguments id, fence, outcome, payload, hook, and finish-run.ts has id, fence, payload, outcome, hook: make them the same.',
    ],
    [
      'arguments that the build cannot read',
      (source: string) => source.replace("args: ['id', 'fence'", 'args: [...OWNER'),
      'finish-run.ts: write the `name` and `args` of an operation as literals: the build reads them.',
    ],
    [
      'the name of another one',
      (source: string) => source.replace("name: 'finish_run'", "name: 'commit_step'"),
      'commit-step.ts: "commit_step" is defined in finish-run.ts, too: remove one.',
    ],
    [
      'a name that no Lua file has',
      (source: string) => source.replace("name: 'finish_run'", "name: 'end_run'"),
      `finish-run.lua: "finish_run" is not defined: call defineOperation({ name: 'finish_run', … }) in finish-run.ts beside it.`,
    ],
  ])('refuses a definition with %s', (_, change, problem) => {
    edit('runs/finish-run.ts', change);
    const { status, stderr } = check();
    expect(status).not.toBe(0);
    expect(stderr).toContain(problem);
  });
});
