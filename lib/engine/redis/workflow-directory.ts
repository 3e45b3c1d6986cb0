import { checkName } from '../core/checks.js';
import { closeMatches } from '../core/close-matches.js';
import { InvalidOptionError, UnknownWorkflowError } from '../core/errors/index.js';
import { patternMatches } from '../core/event-names.js';
import type { Registry } from '../core/registry.js';
import type { WorkflowMeta } from '../core/registry.types.js';
import { type ResolvedWorkflowOptions, resolveWorkflowOptions } from '../core/resolve-workflow.js';
import type { EventTrigger } from '../core/trigger.types.js';
import type { AnyWorkflowClass, AnyWorkflowDefinition, AnyWorkflowRef, WorkflowDefinition } from '../core/workflow.types.js';
import type { WorkflowMetas } from './workflow-metas.js';

/** What creating a run needs to know of its workflow. */
export interface RunTarget {
  readonly workflow: string;
  readonly queue: string;
  readonly priority: number;
  /** Undefined leaves it to the worker. */
  readonly maxAttempts?: number;
  readonly version?: string;
  readonly tags: Record<string, string>;
  readonly input?: ResolvedWorkflowOptions['input'];
  readonly admission?: ResolvedWorkflowOptions['admission'];
  /** Defined elsewhere: whether it has a schema, limits or filters is not known. */
  readonly isForeign?: boolean;
  /** Subscriptions, of a workflow that this process defines. */
  readonly events?: readonly EventTrigger[];
}

export type ClassResolver = (cls: AnyWorkflowClass) => AnyWorkflowDefinition | undefined;

/** How long the metadata of another application's workflow is trusted: it changes with a deploy. */
const META_TRUSTED_FOR_MS = 5_000;

/** Finds the workflow that a caller means: defined in this process, or known in Redis. */
export class WorkflowDirectory {
  private readonly resolved = new WeakMap<WorkflowDefinition, RunTarget>();
  private readonly remote = new Map<string, { target: RunTarget; until: number }>();

  constructor(
    private readonly registry: Registry,
    private readonly metas: Pick<WorkflowMetas, 'get' | 'names'>,
    private readonly resolveClass: ClassResolver,
  ) {}

  /** @throws UnknownWorkflowError, InvalidOptionError */
  async find(ref: AnyWorkflowRef, allowUnknown: boolean): Promise<RunTarget> {
    if (typeof ref === 'string') return this.byName(ref, allowUnknown);
    if (typeof ref === 'function') return this.ofDefinition(this.ofClass(ref));
    if (ref && typeof ref.name === 'string' && ref.options) return this.ofDefinition(ref);
    throw new InvalidOptionError('workflow', 'Expected `workflow` to be a name, a definition or a class with @Workflow()');
  }

  /** The workflows of this process that subscribe to an event. */
  subscribersOf(event: string): RunTarget[] {
    return this.registry
      .list()
      .map((definition) => this.ofDefinition(definition))
      .filter(({ events }) => events?.some(({ name }) => patternMatches(name, event)));
  }

  private async byName(name: string, allowUnknown: boolean): Promise<RunTarget> {
    checkName(name, 'workflow');
    const local = this.registry.get(name);
    if (local) return this.ofDefinition(local);
    const cached = this.remote.get(name);
    if (cached && cached.until > performance.now()) return cached.target;
    const meta = await this.metas.get(name);
    if (meta) {
      const target = targetOfMeta(meta);
      this.remote.set(name, { target, until: performance.now() + META_TRUSTED_FOR_MS });
      return target;
    }
    if (allowUnknown) return { workflow: name, queue: 'default', priority: 0, tags: {}, isForeign: true };
    const known = [...this.registry.list().map((definition) => definition.name), ...(await this.metas.names())];
    throw new UnknownWorkflowError({ workflow: name, suggestions: closeMatches(name, [...new Set(known)]) });
  }

  private ofClass(cls: AnyWorkflowClass): AnyWorkflowDefinition {
    const definition = this.resolveClass(cls);
    if (definition) return definition;
    throw new UnknownWorkflowError({
      workflow: cls.name,
      isClass: true,
      suggestions: closeMatches(
        cls.name,
        this.registry.list().map(({ name }) => name),
      ),
    });
  }

  private ofDefinition(definition: AnyWorkflowDefinition): RunTarget {
    const known = this.resolved.get(definition);
    if (known) return known;
    const { name, queue, priority, maxAttempts, version, tags, input, admission, events } = resolveWorkflowOptions(
      definition.name,
      definition.options,
    );
    const target = { workflow: name, queue, priority, maxAttempts, version, tags, input, admission, events };
    this.resolved.set(definition, target);
    return target;
  }
}

function targetOfMeta(meta: WorkflowMeta): RunTarget {
  const { name, queue, priority, maxAttempts, version, tags } = meta;
  return { workflow: name, queue, priority, maxAttempts, version, tags, isForeign: true };
}
