import { describe, expect, it } from '@jest/globals';
import { sealedText } from '../../../lib/engine/core/payload/sealer.js';
import { claimRuns } from '../../../lib/engine/redis/runs/claim-runs.js';
import { createRun } from '../../../lib/engine/redis/runs/create-run.js';
import { defineOperation } from '../../../lib/engine/redis/script/define-operation.js';
import { commitStep } from '../../../lib/engine/redis/steps/commit-step.js';

const WRITE = defineOperation({
  name: 'finish_run',
  key: 'id',
  args: ['id', 'fence', 'outcome', '...names'],
  reply: (reply, { id }) => `${reply} ${id}`,
});

const CREATE = defineOperation({
  name: 'emit_event',
  key: ({ run, id }) => (run ?? id) as string,
  args: ['id', 'run'],
  work: 4,
  creates: ({ run }) => run === undefined,
  replicaId: (reply, { id }) => (reply === 'OK' ? (id as string) : undefined),
  sealed: (reply, { id }) => sealedText(reply as string[], 0, `event "${id}"`),
  reply: (reply) => reply,
});

describe('defineOperation()', () => {
  it('puts arguments that are given by name in the order of the definition, what is missing as nothing and flags as numbers', () => {
    expect(WRITE({ outcome: undefined, fence: true, names: ['b', 2], id: 'r' }).args).toEqual(['r', 1, '', 'b', 2]);
    expect(WRITE({ id: 'r', fence: false, outcome: 0, names: [] }).args).toEqual(['r', 0, 0]);
  });

  it('takes as many as a run may have', () => {
    const names = Array.from({ length: 300_000 }, (_, index) => `s${index}`);
    expect(WRITE({ id: 'r', fence: '1', outcome: 's', names }).args).toHaveLength(300_003);
  });

  it('reads them by name, as the script does', () => {
    expect(WRITE.read(['r', 1, '', 'b', 2])).toEqual({ id: 'r', fence: '1', outcome: '', names: ['b', '2'] });
  });

  it('knows of each call what the definition says, with what it was given', () => {
    const byClient = CREATE({ id: 'e', run: undefined });
    expect(byClient).toMatchObject({ name: 'emit_event', key: 'e', work: 4, isRefusable: true });
    expect([byClient.writtenId?.('OK'), byClient.writtenId?.('LOST')]).toEqual(['e', undefined]);
    expect(CREATE({ id: 'e', run: 'r' })).toMatchObject({ key: 'r', isRefusable: false });
    const plain = WRITE({ id: 'r', fence: '1', outcome: 's', names: [] });
    expect(plain).toMatchObject({ key: 'r', work: 1, isRefusable: false, writtenId: undefined, sealed: undefined });
    expect(plain.parse('OK')).toBe('OK r');
  });

  it('leaves what is sent as it was', () => {
    const run = { id: 'r', nonce: '', workflow: 'w', queue: 'q', priority: 0, idempotencyTtlMs: 5, input: '1' };
    expect(createRun({ ...run, start: { delayMs: 1.5 }, tags: { a: 'b' } }).args).toEqual([
      'r',
      '',
      'w',
      'q',
      0,
      '',
      '',
      '{"a":"b"}',
      '',
      1,
      '',
      5,
      '1',
      '',
      '',
      '',
    ]);
    const step = { runId: 'r', fence: '7', name: 's', kind: 'r', status: 's', order: 1, attempt: 1, base: 0 } as const;
    expect(commitStep({ ...step, elapsedMs: 2.5, payload: 'x' }).args).toEqual(['r', '7', 's', 'r,s,1,1,0,', 2, '', 'x']);
    const suspects = { most: 3, held: 1, aloneFrom: 5 };
    const claim = { workerId: 'w', sequence: 2, lane: 1, want: 4, hasSpareSlots: true, suspects, queues: ['a', 'b'] };
    expect(claimRuns(claim).args).toEqual(['w', 1, 2, 4, 1, 3, 1, 5, 'a', 'b']);
  });
});
