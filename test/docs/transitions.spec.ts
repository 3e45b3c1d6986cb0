import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const LUA = 'lib/engine/redis/lua';
/** What the script ends with. */
const IS_NONE = 'epilogue.lua';
const READS =
  /^(EXISTS|MEMORY|GET|HEXISTS|HGET|HGETALL|HKEYS|HLEN|HMGET|HSTRLEN|LLEN|LRANGE|SCARD|SISMEMBER|SMEMBERS|Z(CARD|COUNT|SCORE|(REV)?RANGE\w*))$/;

const sourceOf = (transition: string) => readFileSync(`${LUA}/${transition.replaceAll('_', '-')}.lua`, 'utf8');
const transitions = readdirSync(LUA)
  .filter((file) => file.endsWith('.lua') && file !== IS_NONE)
  .map((file) => file.slice(0, -'.lua'.length).replaceAll('-', '_'));

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
    'is right: %s writes nothing',
    (name) => {
      const commands = [...sourceOf(name).matchAll(/\bcall\('(\w+)'/g)].map(([, command]) => command);
      expect(commands.filter((command) => !READS.test(command))).toEqual([]);
    },
  );
});
