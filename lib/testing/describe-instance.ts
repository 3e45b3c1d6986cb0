import { createRegistry, defineWorkflow, type WorkflowDefinition } from '../engine/index.js';
import type { DecoratedClass, DiscoveredWorkflow, ProviderWrapper } from '../interfaces/discovered-workflow.interface.js';
import { createDtoSchema, isDtoClass } from '../redflow-dto.schema.js';
import { RedflowMetadataAccessor } from '../redflow-metadata.accessor.js';
import { RedflowProviderInspector } from '../redflow-provider.inspector.js';
import { createFailureHook, createHandler } from '../redflow-workflow.invoker.js';

const inspector = new RedflowProviderInspector(new RedflowMetadataAccessor());

/** The name of a workflow whose class says none. */
const UNNAMED = 'inline-workflow';

/** The workflow that an instance is by the decorators of its class, as the module would find it among its providers. */
export function describeInstance(instance: object): WorkflowDefinition {
  const target = instance.constructor as DecoratedClass;
  const wrapper = {
    token: target,
    metatype: target,
    instance,
    isTransient: false,
    isDependencyTreeStatic: () => true,
  } as unknown as ProviderWrapper;
  const found = inspector.inspect(wrapper).find(({ method }) => method === undefined);
  return define(found ?? { metadata: { name: UNNAMED, connection: '', options: {} }, target, wrapper, moduleName: '' });
}

function define(workflow: DiscoveredWorkflow): WorkflowDefinition {
  const { name, options } = workflow.metadata;
  const input = isDtoClass(options.input) ? createDtoSchema(options.input) : options.input;
  return defineWorkflow(name, {
    ...options,
    ...(input && { input }),
    handler: createHandler(workflow),
    onFailure: createFailureHook(workflow),
    registry: createRegistry(),
  });
}
