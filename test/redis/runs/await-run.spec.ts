import { describe, expect, it } from '@jest/globals';
import { awaitRun, parseEndMessage } from '../../../lib/engine/redis/runs/await-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { openEngineRoom } from '../../support/engine-room.js';

describe('awaitRun()', () => {
  it('registers the listener while the run goes on', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'r1' });
    expect(await room.send(awaitRun('r1', 'c1'))).toEqual({ status: 'PENDING' });
    expect(await room.send(awaitRun('r1', 'c2'))).toEqual({ status: 'PENDING' });
    expect((await room.redis.smembers(room.key('waiters:r1'))).sort()).toEqual(['c1', 'c2']);
  });

  it('repeated, registers the listener once', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'r1' });
    await room.send(awaitRun('r1', 'c1'));
    expect(await room.repeat(awaitRun('r1', 'c1'))).toEqual({ status: 'PENDING' });
  });

  it.each([
    ['succeeded', '{"a":1}'],
    ['succeeded', ''],
    ['failed', '{"name":"Error","message":"no"}'],
  ] as const)('answers the end of a run that %s with %j, and registers nobody', async (outcome, payload) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(finishRun('r1', room.fenceOf('r1'), outcome, payload));
    expect(await room.repeat(awaitRun('r1', 'c1'))).toEqual({
      status: 'ENDED',
      end: { runId: 'r1', workflow: 'greet', outcome, payload },
    });
  });

  it('answers MISSING for an unknown run, and registers nobody', async () => {
    const room = openEngineRoom();
    expect(await room.repeat(awaitRun('nobody', 'c1'))).toEqual({ status: 'MISSING' });
    expect(await room.contents()).toEqual({});
  });

  it('takes ids with separators, braces and Unicode', async () => {
    const room = openEngineRoom();
    await room.createAll('{}:*', 'ü:1');
    expect(await room.send(awaitRun('{}:*', 'c1'))).toEqual({ status: 'PENDING' });
    expect(await room.send(awaitRun('ü:1', 'c1'))).toEqual({ status: 'PENDING' });
  });
});

describe('parseEndMessage()', () => {
  it('counts bytes, not characters, and leaves separators in names alone', () => {
    expect(
      parseEndMessage('7:6:ä:1=?üb:🚀?s="=?:"'.replace('7:6', `${Buffer.byteLength('ä:1=?ü')}:${Buffer.byteLength('b:🚀?')}`)),
    ).toEqual({
      runId: 'ä:1=?ü',
      workflow: 'b:🚀?',
      outcome: 'succeeded',
      payload: '"=?:"',
    });
  });

  it('tells an undefined output from one that has to be fetched', () => {
    expect(parseEndMessage('2:1:r1ws=').payload).toBe('');
    expect(parseEndMessage('2:1:r1wf?')).toEqual({ runId: 'r1', workflow: 'w', outcome: 'failed', payload: undefined });
  });
});
