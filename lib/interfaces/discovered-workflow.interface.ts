import type { DiscoveryService } from '@nestjs/core';
import type { WorkflowMetadata } from './workflow-metadata.interface.js';

/** Nest's record of one provider. */
export type ProviderWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** A provider that is a workflow. */
export interface DiscoveredWorkflow {
  readonly metadata: WorkflowMetadata;
  /** The class that carries or inherits the metadata. */
  readonly target: DecoratedClass;
  readonly wrapper: ProviderWrapper;
  readonly moduleName: string;
}

// biome-ignore lint/suspicious/noExplicitAny: a constructor's parameters are contravariant, so only any[] accepts every class
export type DecoratedClass = abstract new (...args: any[]) => object;
