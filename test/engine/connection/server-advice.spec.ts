import { describe, expect, it } from '@jest/globals';
import { startRedis } from '../../../lib/testing/index.js';
import { RecordingLogger, startEngine, whenTestEnds, workflow } from '../../support/engine.js';
import { plainClient } from '../../support/engine-room.js';

const noop = workflow('noop', () => undefined);

/** Warnings of a worker that starts on a private Redis with these settings. */
async function warningsWith(settings: Record<string, string>, appendonly = false): Promise<string[]> {
  const server = await startRedis({ appendonly });
  whenTestEnds(() => server.stop());
  const redis = plainClient(server.url);
  for (const [name, value] of Object.entries(settings)) await redis.config('SET', name, value);
  const logger = new RecordingLogger();
  const engine = await startEngine({ worker: false, client: { url: server.url, logger } });
  const worker = await engine.startWorker({ url: server.url, logger, workflows: [noop] });
  await (await engine.client.run(noop, undefined)).result();
  await worker.stop();
  return logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
}

describe('a worker that starts', () => {
  it('warns once of a Redis that evicts keys', async () => {
    const warnings = await warningsWith({ 'maxmemory-policy': 'allkeys-lru', save: '3600 1' });
    expect(warnings).toEqual([expect.stringContaining('maxmemory-policy is "allkeys-lru"')]);
    expect(warnings[0]).toContain('noeviction');
  });

  it('warns once of a Redis that keeps nothing on disk', async () => {
    const warnings = await warningsWith({ save: '' });
    expect(warnings).toEqual([expect.stringContaining('appendonly yes')]);
  });

  it('is content with one that does', async () => {
    expect(await warningsWith({ save: '' }, true)).toEqual([]);
  });
});
