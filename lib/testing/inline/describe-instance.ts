import type { DiscoveredWorkflow, ProviderWrapper } from '../../discovery/discovered-workflow.interface.js';
import { RedflowProviderInspector } from '../../discovery/redflow-provider.inspector.js';
import { createRegistry, defineWorkflow, type WorkflowDefinition } from '../../engine/index.js';
import { createDtoSchema, isDtoClass } from '../../execution/redflow-dto.schema.js';
import { createFailureHook, createHandler } from '../../execution/redflow-workflow.invoker.js';
import { RedflowMetadataAccessor } from '../../metadata/redflow-metadata.accessor.js';
import type { DecoratedClass } from '../../metadata/workflow-metadata.interface.js';

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
