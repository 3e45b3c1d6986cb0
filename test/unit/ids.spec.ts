import { describe, expect, it } from '@jest/globals';
import { newId } from '../../lib/engine/core/ids.js';

describe('newId()', () => {
  it('makes ids that sort in the order they were made', () => {
    const ids = Array.from({ length: 1_000 }, newId);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(1_000);
    expect(ids[0]).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  });
});
