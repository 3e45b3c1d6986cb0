import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';

/** One connection of an application, as far as its boot and its end have to do with the others. */
export interface WorkingConnection {
  /** Starts the worker, if there is to be one. */
  bootWorker(): Promise<void>;
  /** Stops the worker, if there is one: resolves when its runs have ended or were handed back. */
  drain(): Promise<void>;
  disconnect(): Promise<void>;
}

/**
 * The workers of all connections of an application: they begin when everything else has booted and end before anything else does, so
 * that no handler finds a provider that is not ready yet, or gone; and they end together, so that one does not use up the time
 * that the platform leaves for the others.
 */
@Injectable()
export class RedflowWorkers implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly connections: WorkingConnection[] = [];

  add(connection: WorkingConnection): void {
    this.connections.push(connection);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.orDisconnect(() => this.forAll((connection) => connection.bootWorker()));
  }

  async onModuleDestroy(): Promise<void> {
    await this.forAll((connection) => connection.drain());
  }

  /** Nest need not run any hook after a failed boot, so what was opened until then is closed here, by whichever connection. */
  async orDisconnect(boot: () => Promise<void>): Promise<void> {
    try {
      await boot();
    } catch (error) {
      // Why the boot failed is what has to be told, not what closing comes to then.
      await Promise.allSettled(this.connections.map((connection) => connection.drain()));
      await Promise.allSettled(this.connections.map((connection) => connection.disconnect()));
      throw error;
    }
  }

  /** Rejects with the first failure, once all have settled. */
  private async forAll(call: (connection: WorkingConnection) => Promise<void>): Promise<void> {
    const outcomes = await Promise.allSettled(this.connections.map(call));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }
}
