import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';

const LIMIT = 300;

it(`no file of lib is longer than ${LIMIT} lines: look for the concept that wants its own name`, () => {
  const files = readdirSync('lib', { recursive: true, encoding: 'utf8' });
  const written = files.filter((file) => /\.(ts|lua)$/.test(file) && !file.endsWith('.generated.ts'));
  const linesOf = (file: string) => readFileSync(`lib/${file}`, 'utf8').trimEnd().split('\n').length;
  expect(written.length).toBeGreaterThan(200);
  expect(written.filter((file) => linesOf(file) > LIMIT)).toEqual([]);
});
