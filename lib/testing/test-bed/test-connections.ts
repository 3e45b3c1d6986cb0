import { randomUUID } from 'node:crypto';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { ClientOptions } from '../../engine/index.js';
import { overrideSteps, type StepsOf, TestNamespace } from '../../engine/test-bed/index.js';
import type { RedflowOrchestrator } from '../../lifecycle/redflow.orchestrator.js';
import type { RedflowTestSeam } from '../../lifecycle/redflow-test-seam.interface.js';
import { sharedRedis } from '../redis-server/shared-redis.js';

/** The engine gives a clock of its own to prefixes that begin so, and to no other. */
const CLOCK_PREFIX = 'redflow-test:';

/** Options of `RedflowTestingModule.forApp()`. */
export interface RedflowTestingOptions {
  /**
   * A Redis to use.
   *
   * @default that of `REDIS_URL`, else a private one, shared in this process and stopped when the last application is closed
   */
  url?: string | undefined;
  /**
   * What stands in place of steps, by their names, in all workflows of the application: a value, an `Error`, or a function, as for
   * `runInline`. The record of an overridden step says that it is a `run`, whatever it stands for.
   */
  stepOverrides?: Readonly<Record<string, unknown>> | undefined;
}

/** A connection of the application under test. */
export interface TestConnection {
  readonly orchestrator: RedflowOrchestrator;
  readonly namespace: TestNamespace;
}

/** Puts the connections of one application on a test Redis, each in a namespace of its own that ends with the application. */
export class TestConnections implements RedflowTestSeam, OnApplicationShutdown {
  /** What stands in place of steps at present. */
  readonly overrides: Record<string, unknown>;
  readonly stepsOf: StepsOf;
  private readonly adopted: TestConnection[] = [];
  private redis: Promise<string> | undefined;

  constructor(private readonly options: RedflowTestingOptions) {
    this.overrides = { ...options.stepOverrides };
    this.stepsOf = overrideSteps(this.overrides);
  }

  /** Goes back to the overrides of the options. */
  resetOverrides(): void {
    for (const name of Object.keys(this.overrides)) delete this.overrides[name];
    Object.assign(this.overrides, this.options.stepOverrides);
  }

  get all(): readonly TestConnection[] {
    return this.adopted;
  }

  async connection(): Promise<ClientOptions> {
    const url = this.options.url ?? (await this.sharedUrl());
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
