import { distance } from 'fastest-levenshtein';

/** What is wrong with a source, where, and what to do about it. */
export class LuaProblem extends Error {
  constructor(file, line, text) {
    super(`${file}.lua:${line}: ${text}`);
    this.name = 'LuaProblem';
  }
}

/** ` Did you mean "a" or "b"?` with those of the known names that are near, '' if none is. */
export function nearest(name, known) {
  const most = Math.max(1, Math.floor(name.length / 3));
  const near = [...known]
    .map((other) => ({ other, away: distance(name, other) }))
    .filter(({ away }) => away <= most)
    .sort((a, b) => a.away - b.away || (a.other < b.other ? -1 : 1))
    .slice(0, 3);
  return near.length === 0 ? '' : ` Did you mean ${near.map(({ other }) => `"${other}"`).join(' or ')}?`;
}
