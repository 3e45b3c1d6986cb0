import { existsSync } from 'node:fs';
import vm from 'node:vm';

const built = new URL('../../dist/testing/index.js', import.meta.url);

/**
 * Finds or starts one Redis for the whole run; tests read its URL from `REDFLOW_TEST_REDIS_URL`.
 * Jest loads this file without its transforms, hence the built package instead of the sources.
 */
export default async function globalSetup() {
  if (typeof vm.SourceTextModule !== 'function') {
    throw new Error(
      'The tests are ES modules and need Node started with --experimental-vm-modules. Use `npm test`, or `npm test -- <pattern>`.',
    );
  }
  if (!existsSync(built)) throw new Error('The tests start Redis with the built package: run `npm run build` first.');
  const { findOrStartRedis } = await import(built.href);
  const redis = await findOrStartRedis({ onMessage: (text) => process.stderr.write(`${text}\n`) });
  process.env.REDFLOW_TEST_REDIS_URL = redis.url;
  globalThis.stopTestRedis = () => redis.stop();
}
