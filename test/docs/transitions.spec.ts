import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const LUA = 'lib/engine/redis';
const READS =
  /^(EXISTS|MEMORY|GET|HEXISTS|HGET|HGETALL|HKEYS|HLEN|HMGET|HSTRLEN|LLEN|LRANGE|SCARD|SISMEMBER|SMEMBERS|Z(CARD|COUNT|SCORE|(REV)?RANGE\w*))$/;

/** What begins with its own name is a transition; what several share is not. */
const sources = new Map(
  readdirSync(LUA, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.lua'))
    .map((file): [string, string] => [basename(file, '.lua').replaceAll('-', '_'), readFileSync(`${LUA}/${file}`, 'utf8')])
    .filter(([name, source]) => source.startsWith(`-- ${name}: `)),
);
const sourceOf = (transition: string) => sources.get(transition) ?? '';
const transitions = [...sources.keys()].sort();

const [, section] = /^### Every script may run twice$([\s\S]*?)^### /m.exec(readFileSync('docs/architecture.md', 'utf8')) ?? [];
const rows = [...(section ?? '').matchAll(/^\| (.*?) \| (.*) \|$/gm)];
/** The names in a row, which may end in a star, as patterns. */
const namesIn = (row: string) => [...row.matchAll(/`([a-z_]+\*?)`/g)].map(([, name]) => name);
const fits = (transition: string, name: string) => new RegExp(`^${name.replace('*', '.*')}$`).test(transition);

describe('the table of what makes a repeat harmless', () => {
  const named = rows.flatMap(([, first]) => namesIn(first));
  /** Some are named beside the one whose row it is. */
  const mentioned = rows.flatMap(([row]) => namesIn(row));

  it('has every transition', () => {
    expect(transitions.filter((transition) => !mentioned.some((name) => fits(transition, name)))).toEqual([]);
  });

  it('names no other', () => {
    expect(named.filter((name) => !transitions.some((transition) => fits(transition, name)))).toEqual([]);
  });

  const reading = rows.filter(([, , why]) => why === 'they write nothing').flatMap(([, first]) => namesIn(first));
  it.each(transitions.filter((transition) => reading.some((name) => fits(transition, name))))(
    'is right: %s calls no command that writes',
    (name) => {
      const commands = [...sourceOf(name).matchAll(/\bcall\('(\w+)'/g)].map(([, command]) => command);
      expect(commands.filter((command) => !READS.test(command))).toEqual([]);
    },
  );
});
