import { describe, expect, it } from '@jest/globals';
import { ConnectionError } from '../../../lib/engine/core/errors/index.js';
import { Outage, reasonOf } from '../../../lib/engine/redis/connection/outage.js';
import { silentLogger } from '../../support/engine-room.js';
import { eventually } from '../../support/eventually.js';

const WORDS = { lasts: (reason: string) => `it fails: ${reason}`, isOver: () => 'it works' };

function recorded(): { outage: Outage; warnings: string[] } {
  const warnings: string[] = [];
  const outage = new Outage({ ...silentLogger, warn: (message) => warnings.push(message) }, WORDS);
  return { outage, warnings };
}

describe('Outage', () => {
  it('warns once when it lasts, with the words of the last failure, and once when it is over', async () => {
    const { outage, warnings } = recorded();
    await eventually(() => {
      outage.failed(new Error('READONLY'));
      return warnings.length > 0;
    });
    outage.failed(new Error('LOADING'));
    expect(warnings).toEqual(['it fails: READONLY']);
    outage.over();
    outage.over();
    expect(warnings).toEqual(['it fails: READONLY', 'it works']);
  });

  it('says nothing of a single failure', () => {
    const { outage, warnings } = recorded();
    expect(outage.isOn).toBe(false);
    outage.failed(new Error('READONLY'));
    expect(outage.isOn).toBe(true);
    outage.over();
    expect(outage.isOn).toBe(false);
    expect(warnings).toEqual([]);
  });
});

describe('reasonOf()', () => {
  it('is what the server or the socket said', () => {
    const refused = Object.assign(new Error(''), { code: 'ECONNREFUSED' });
    expect(reasonOf(refused)).toBe('ECONNREFUSED');
    expect(reasonOf(new ConnectionError('Cannot reach it', { cause: refused }))).toBe('ECONNREFUSED');
    expect(reasonOf(new ConnectionError('It was closed'))).toBe('It was closed');
  });
});
