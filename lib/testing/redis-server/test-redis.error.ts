/** No Redis could be found, installed or started. `code` is `TEST_REDIS_UNAVAILABLE`; the message lists the ways to get one. */
export class TestRedisError extends Error {
  readonly code = 'TEST_REDIS_UNAVAILABLE';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TestRedisError';
  }
}
