/** An estimate of the Redis clock between two answers; only for local timers, never for anything that is stored. */
export class RedisClock {
  private reference = Date.now() - performance.now();

  now(): number {
    return this.reference + performance.now();
  }

  synchronise(redisNow: number): void {
    this.reference = redisNow - performance.now();
  }
}
