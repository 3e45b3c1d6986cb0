import { existsSync } from 'node:fs';

const built = new URL('../../dist/testing/index.js', import.meta.url);

/**
 * Finds or starts one Redis for the whole run; tests read its URL from `REDFLOW_TEST_REDIS_URL`.
 * Jest loads this file without its transforms, hence the built package instead of the sources.
 */
export default async function globalSetup() {
  if (!existsSync(built)) throw new Error('The tests start Redis with the built package: run `npm run build` first.');
  const { findOrStartRedis } = await import(built.href);
  const redis = await findOrStartRedis({ onMessage: (text) => process.stderr.write(`${text}\n`) });
  process.env.REDFLOW_TEST_REDIS_URL = redis.url;
  globalThis.stopTestRedis = () => redis.stop();
}
