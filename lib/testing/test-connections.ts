import { randomUUID } from 'node:crypto';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { ClientOptions } from '../engine/index.js';
import { TestNamespace } from '../engine/test-bed/index.js';
import type { RedflowTestSeam } from '../interfaces/redflow-test-seam.interface.js';
import type { RedflowOrchestrator } from '../redflow.orchestrator.js';
import { sharedRedis } from './shared-redis.js';

/** The engine gives a clock of its own to prefixes that begin so, and to no other. */
const CLOCK_PREFIX = 'redflow-test:';

/** A connection of the application under test. */
export interface TestConnection {
  readonly orchestrator: RedflowOrchestrator;
  readonly namespace: TestNamespace;
}

/** Puts the connections of one application on a test Redis, each in a namespace of its own that ends with the application. */
export class TestConnections implements RedflowTestSeam, OnApplicationShutdown {
  private readonly adopted: TestConnection[] = [];
  private redis: Promise<string> | undefined;

  /** @param url of the Redis to use instead of the shared one */
  constructor(private readonly url: string | undefined) {}

  get all(): readonly TestConnection[] {
    return this.adopted;
  }

  async connection(): Promise<ClientOptions> {
    const url = this.url ?? (await this.sharedUrl());
    return { url, prefix: CLOCK_PREFIX + randomUUID(), connection: undefined, waitReplicas: undefined };
  }

  adopt(orchestrator: RedflowOrchestrator, { url = '', prefix = '' }: ClientOptions): void {
    this.adopted.push({ orchestrator, namespace: new TestNamespace(url, prefix) });
  }

  async onApplicationShutdown(): Promise<void> {
    try {
      for (const { orchestrator, namespace } of this.adopted.splice(0)) {
        // Whatever the order in which Nest tells the two: nothing is written any more.
        await orchestrator.onApplicationShutdown();
        await namespace.clear().finally(() => namespace.close());
      }
    } finally {
      const { redis } = this;
      this.redis = undefined;
      if (redis) await sharedRedis.release();
    }
  }

  private sharedUrl(): Promise<string> {
    this.redis ??= sharedRedis.acquire();
    return this.redis;
  }
}
