import { describe, expect, it } from '@jest/globals';
import { registerWorkflows } from '../../lib/engine/redis/register-workflows.js';
import { type EngineRoom, openEngineRoom } from '../support/engine-room.js';

const meta = (overrides: object = {}) => ({
  name: 'greet',
  app: 'shop',
  queue: 'default',
  maxAttempts: 3,
  priority: 0,
  tags: {},
  ...overrides,
});

async function known(room: EngineRoom): Promise<Record<string, unknown>> {
  const stored = await room.redis.hgetall(room.keys.workflows);
  return Object.fromEntries(Object.entries(stored).map(([name, json]) => [name, JSON.parse(json)]));
}

describe('registerWorkflows()', () => {
  it('makes workflows known, with the time of the Redis clock', async () => {
    const room = openEngineRoom();
    await room.advance(1_000_000);
    const before = await room.now();
    const greet = meta({ version: '2', tags: { 'ü/"': '日本' } });
    expect(await room.send(registerWorkflows([greet, meta({ name: '{}:*' })]))).toBe('OK');
    const workflows = await known(room);
    expect(workflows).toEqual({
      greet: { ...greet, updatedAt: expect.any(Number) },
      '{}:*': { ...meta({ name: '{}:*' }), updatedAt: expect.any(Number) },
    });
    const { updatedAt } = workflows.greet as { updatedAt: number };
    expect(updatedAt).toBeGreaterThanOrEqual(before);
    expect(updatedAt).toBeLessThanOrEqual(await room.now());
  });

  it('replaces what was known by that name, and keeps others', async () => {
    const room = openEngineRoom();
    await room.send(registerWorkflows([meta({ version: '1' }), meta({ name: 'charge' })]));
    await room.send(registerWorkflows([meta({ queue: 'slow' })]));
    expect(await known(room)).toMatchObject({ greet: { queue: 'slow' }, charge: { name: 'charge' } });
    expect((await known(room)).greet).not.toHaveProperty('version');
  });

  it('repeated, leaves one entry each', async () => {
    const room = openEngineRoom();
    const op = registerWorkflows([meta()]);
    await room.send(op);
    expect(await room.send(op)).toBe('OK');
    expect(Object.keys(await known(room))).toEqual(['greet']);
  });

  it('does nothing when there are none', async () => {
    const room = openEngineRoom();
    expect(await room.send(registerWorkflows([]))).toBe('OK');
    expect(await known(room)).toEqual({});
  });
});
