import { describe, expect, it } from '@jest/globals';
import { closeMatches } from '../../../lib/engine/core/checks/close-matches.js';

describe('closeMatches()', () => {
  it('puts the closest first', () => {
    expect(closeMatches('invoice-snyc', ['order', 'invoice-synced', 'invoice-sync', 'invoice-sink'])).toEqual([
      'invoice-sync',
      'invoice-sink',
      'invoice-synced',
    ]);
  });

  it('ignores upper and lower case', () => {
    expect(closeMatches('MAXATTEMPTS', ['maxAttempts', 'timeout'])).toEqual(['maxAttempts']);
  });

  it('returns at most as many as asked for, each once', () => {
    expect(closeMatches('job', ['job1', 'job2', 'job3', 'job4', 'job1'])).toEqual(['job1', 'job2', 'job3']);
    expect(closeMatches('job', ['job1', 'job1', 'job2'], 1)).toEqual(['job1']);
  });

  it('finds nothing where nothing is close', () => {
    expect(closeMatches('charge', ['order', 'x', ''])).toEqual([]);
    expect(closeMatches('ab', ['xy'])).toEqual([]);
    expect(closeMatches('', ['a'])).toEqual([]);
  });
});
