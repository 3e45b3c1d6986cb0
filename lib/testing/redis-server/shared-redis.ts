import { type FoundRedis, findOrStartRedis } from './find-redis.js';

/** One Redis for all who need one at the same time: found or started for the first, stopped after the last. */
class SharedRedis {
  private redis: Promise<FoundRedis> | undefined;
  private users = 0;

  /** @throws TestRedisError */
  async acquire(): Promise<string> {
    this.users++;
    this.redis ??= findOrStartRedis();
    try {
      return (await this.redis).url;
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  /** Once per {@link acquire} that has succeeded. */
  async release(): Promise<void> {
    this.users--;
    if (this.users > 0) return;
    const { redis } = this;
    this.redis = undefined;
    await redis?.then(
      (found) => found.stop(),
      () => undefined,
    );
  }
}

/** Of the process: starting a server takes far longer than most tests. */
export const sharedRedis = new SharedRedis();
