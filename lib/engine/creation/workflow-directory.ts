import type { WorkflowMeta } from '../core/api/registry.types.js';
import type { AnyWorkflowClass, AnyWorkflowDefinition, AnyWorkflowRef, WorkflowDefinition } from '../core/api/workflow.types.js';
import { checkName, checkVersion } from '../core/checks/checks.js';
import { closeMatches } from '../core/checks/close-matches.js';
import { InvalidOptionError, UnknownVersionError, UnknownWorkflowError } from '../core/errors/index.js';
import { patternMatches } from '../core/workflows/event-names.js';
import type { Registry } from '../core/workflows/registry.js';
import { resolveWorkflowOptions } from '../core/workflows/resolve-workflow.js';
import type { RunTarget } from '../core/workflows/run-target.js';
import { currentOf } from '../core/workflows/versions.js';
import type { WorkflowMetas } from '../redis/registry/workflow-metas.js';

export type ClassResolver = (cls: AnyWorkflowClass) => AnyWorkflowDefinition | undefined;

/** How long the metadata of another application's workflow, and which version is current, is trusted: it changes with a deploy. */
const META_TRUSTED_FOR_MS = 5_000;

/** Finds the workflow that a caller means: defined in this process, or known in Redis. */
export class WorkflowDirectory {
  private readonly resolved = new WeakMap<WorkflowDefinition, RunTarget>();
  private readonly trusted = new Map<string, { meta: WorkflowMeta; until: number }>();

  constructor(
    private readonly registry: Registry,
    private readonly metas: Pick<WorkflowMetas, 'get' | 'names' | 'versionsOf'>,
    private readonly resolveClass: ClassResolver,
  ) {}

  /**
   * A definition or a class only names the workflow: of several versions the current one counts.
   * @param version the one that a run is to be pinned to
   * @throws UnknownWorkflowError, UnknownVersionError, InvalidOptionError
   */
  async find(ref: AnyWorkflowRef, allowUnknown: boolean, version?: string): Promise<RunTarget> {
    const given = this.givenBy(ref);
    const target = given
      ? await this.ofDefinitions(this.versionsHere(given), given)
      : await this.byName(ref as string, allowUnknown);
    return version === undefined ? target : this.pinned(target, version, given, allowUnknown);
  }

  /** The workflows of this process that subscribe to an event, but for those of which another version is current. */
  async subscribersOf(event: string): Promise<RunTarget[]> {
    const isListening = ({ events }: Pick<RunTarget, 'events'>) => events?.some(({ name }) => patternMatches(name, event));
    const subscribers = this.registry
      .names()
      .map((name) => this.registry.versionsOf(name))
      .filter((versions) => versions.some((definition) => isListening(this.ofDefinition(definition))));
    const targets = await Promise.all(subscribers.map((versions) => this.ofDefinitions(versions)));
    return targets.filter(isListening);
  }

  /** @throws UnknownVersionError unless somebody has this version of a workflow */
  async checkVersion(workflow: string, version: string, given?: AnyWorkflowDefinition): Promise<void> {
    const here = [...this.registry.versionsOf(workflow), ...(given ? [given] : [])].flatMap(
      ({ options }) => options.version ?? [],
    );
    if (here.includes(version)) return;
    const known = [...new Set([...here, ...(await this.metas.versionsOf(workflow))])].sort();
    if (!known.includes(version)) throw new UnknownVersionError({ workflow, version, known });
  }

  private givenBy(ref: AnyWorkflowRef): AnyWorkflowDefinition | undefined {
    if (typeof ref === 'string') return undefined;
    if (typeof ref === 'function') return this.ofClass(ref);
    if (ref && typeof ref.name === 'string' && ref.options) return ref;
    throw new InvalidOptionError('workflow', 'Expected `workflow` to be a name, a definition or a class with @Workflow()');
  }

  private async byName(name: string, allowUnknown: boolean): Promise<RunTarget> {
    checkName(name, 'workflow');
    const local = this.registry.versionsOf(name);
    if (local.length > 0) return this.ofDefinitions(local);
    const meta = await this.metaOf(name);
    if (meta) return targetOfMeta(meta);
    if (allowUnknown) return { workflow: name, queue: 'default', priority: 0, tags: {}, isForeign: true };
    const known = [...this.registry.names(), ...(await this.metas.names())];
    throw new UnknownWorkflowError({ workflow: name, suggestions: closeMatches(name, [...new Set(known)]) });
  }

  /** @param given the one that the caller means, if it is here alone */
  private async ofDefinitions(versions: readonly AnyWorkflowDefinition[], given?: AnyWorkflowDefinition): Promise<RunTarget> {
    const [{ name }] = versions;
    const isVersioned = versions.some(({ options }) => options.version !== undefined);
    const meta = isVersioned ? await this.metaOf(name) : undefined;
    if (!meta) return this.ofDefinition(isVersioned || !given ? currentOf(name, versions) : given);
    const current = versions.find(({ options }) => options.version === meta.version);
    return current ? this.ofDefinition(current) : targetOfMeta(meta);
  }

  /** The versions of a definition's workflow that are here; its own comes from itself. */
  private versionsHere(given: AnyWorkflowDefinition): AnyWorkflowDefinition[] {
    const others = this.registry.versionsOf(given.name).filter(({ options }) => options.version !== given.options.version);
    return [given, ...others];
  }

  /** The limits are those of the current version; all else is the pinned one's, as far as that is known here. */
  private async pinned(
    target: RunTarget,
    version: string,
    given: AnyWorkflowDefinition | undefined,
    allowUnknown: boolean,
  ): Promise<RunTarget> {
    checkVersion(version);
    if (target.version === version && !target.isForeign) return target;
    const here = given ? this.versionsHere(given) : this.registry.versionsOf(target.workflow);
    const definition = here.find(({ options }) => options.version === version);
    if (!definition && !allowUnknown) await this.checkVersion(target.workflow, version);
    const { admission, isForeign } = target;
    if (definition) return { ...this.ofDefinition(definition), admission, isForeign };
    return { ...target, input: undefined, version: undefined };
  }

  private async metaOf(name: string): Promise<WorkflowMeta | null> {
    const known = this.trusted.get(name);
    if (known && known.until > performance.now()) return known.meta;
    const meta = await this.metas.get(name);
    if (meta) this.trusted.set(name, { meta, until: performance.now() + META_TRUSTED_FOR_MS });
    return meta;
  }

  private ofClass(cls: AnyWorkflowClass): AnyWorkflowDefinition {
    const definition = this.resolveClass(cls);
    if (definition) return definition;
    throw new UnknownWorkflowError({
      workflow: cls.name,
      isClass: true,
      suggestions: closeMatches(cls.name, this.registry.names()),
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
  const { name, queue, priority, maxAttempts, tags } = meta;
  return { workflow: name, queue, priority, maxAttempts, tags, isForeign: true };
}
