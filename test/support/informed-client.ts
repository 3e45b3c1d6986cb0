import { RedflowClient } from '../../lib/engine/client/redflow-client.js';
import { asRegistry } from '../../lib/engine/core/workflows/registry.js';
import { createRegistry, type WorkflowDefinition, type WorkflowRegistry } from '../../lib/engine/index.js';
import { type Engine, whenTestEnds } from './engine.js';
import { testRedisUrl } from './namespace.js';

// biome-ignore lint/suspicious/noExplicitAny: definitions of any input
export function registryOf(...definitions: Array<WorkflowDefinition<any, any>>): WorkflowRegistry {
  const registry = createRegistry();
  for (const definition of definitions) asRegistry(registry).add(definition);
  return registry;
}

/** A client that knows the definitions, as one in the process of the workers does. */
// biome-ignore lint/suspicious/noExplicitAny: definitions of any input
export function informedClient(engine: Engine, ...definitions: Array<WorkflowDefinition<any, any>>): RedflowClient {
  const client = new RedflowClient({ url: testRedisUrl(), prefix: engine.prefix }, { registry: registryOf(...definitions) });
  whenTestEnds(() => client.close());
  return client;
}
