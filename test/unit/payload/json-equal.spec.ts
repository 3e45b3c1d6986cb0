import { describe, expect, it } from '@jest/globals';
import { sameJson } from '../../../lib/engine/core/payload/json-equal.js';

describe('sameJson()', () => {
  it.each([
    ['', ''],
    ['1', '1.0'],
    ['{"a":1,"b":{"c":[1,2],"d":null}}', '{"b": {"d": null, "c": [1, 2]}, "a": 1}'],
    ['"é"', '"\\u00e9"'],
    [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, ` ${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ])('finds %.20s and %.20s equal', (a, b) => {
    expect(sameJson(a, b)).toBe(true);
  });

  it.each([
    ['', 'null'],
    ['0', ''],
    ['[1,2]', '[2,1]'],
    ['[1]', '[1,2]'],
    ['[]', '{}'],
    ['["a"]', '{"0":"a"}'],
    ['{"a":1}', '{"a":"1"}'],
    ['{"a":null}', '{}'],
    ['{"a":1}', '{"b":1}'],
    ['{"toString":1}', '{"a":1}'],
    ['null', '{}'],
  ])('finds %p and %p different', (a, b) => {
    expect(sameJson(a, b)).toBe(false);
    expect(sameJson(b, a)).toBe(false);
  });
});
