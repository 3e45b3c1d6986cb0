import { Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { type ConnectionHealth, RedflowOrchestrator } from '../lifecycle/redflow.orchestrator.js';

/** What Terminus makes its report of. */
export type RedflowHealth = Record<string, { status: 'up' | 'down'; connections: Record<string, ConnectionHealth> }>;

/**
 * Says whether the application can start runs and execute them: for each of its connections whether Redis answers in time and, if it
 * has a worker, whether Redis counts that among the living. Made for `@nestjs/terminus`, which it does not need.
 *
 * @example
 * ```ts
 * @Controller('health')
 * export class HealthController {
 *   constructor(
 *     private readonly health: HealthCheckService,
 *     private readonly redflow: RedflowHealthIndicator,
 *   ) {}
 *
 *   @Get()
 *   @HealthCheck()
 *   check() {
 *     return this.health.check([() => this.redflow.isHealthy()]);
 *   }
 * }
 * ```
 */
@Injectable()
export class RedflowHealthIndicator {
  constructor(private readonly discovery: DiscoveryService) {}

  /**
   * @param key under which the report has it
   * @param options.timeoutMs how long Redis may take to answer, default 1,000
   * @returns status `down`, and no rejection, when something is wrong
   */
  async isHealthy(key = 'redflow', options: { timeoutMs?: number | undefined } = {}): Promise<RedflowHealth> {
    const { timeoutMs = 1_000 } = options;
    const found = await Promise.all(
      this.orchestrators().map(async (one) => [one.connection, await one.health(timeoutMs)] as const),
    );
    const isUp = found.every(([, { redis, worker }]) => redis === 'up' && worker !== 'down');
    return { [key]: { status: isUp ? 'up' : 'down', connections: Object.fromEntries(found) } };
  }

  private orchestrators(): RedflowOrchestrator[] {
    return this.discovery.getProviders().flatMap(({ instance }) => (instance instanceof RedflowOrchestrator ? [instance] : []));
  }
}
