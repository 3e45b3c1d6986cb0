import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const lib = new URL('../../lib/', import.meta.url).pathname;
/** What others may import of a part. */
const DOORS = /(^|\/)(index|framework)\.ts$/;

/** A file without its imports, re-exports and comments. */
const ownCodeOf = (file: string) =>
  readFileSync(join(lib, file), 'utf8')
    .replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    .replace(/^(import|export)\b[^;]*\bfrom '[^']+';$/gm, '')
    .replace(/^import '[^']+';$/gm, '')
    .replace(/^export (type )?\{[^}]*\};$/gm, '')
    .trim();

describe('a file of lib', () => {
  const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

  it('has code of its own: only index.ts and framework.ts may consist of re-exports', () => {
    expect(files.length).toBeGreaterThan(300);
    expect(files.filter((file) => !DOORS.test(file) && ownCodeOf(file) === '')).toEqual([]);
  });
});
