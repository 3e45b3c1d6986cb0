import { closeMatches } from './engine/framework.js';
import type { MethodKey } from './metadata/workflow-metadata.interface.js';

/** Where a workflow was found, as messages name it. */
export interface WorkflowOrigin {
  readonly className: string;
  readonly moduleName: string;
  /** The method that is the workflow; none if the class is. */
  readonly method?: MethodKey;
}

/** `class "OrderWorkflow" (module "OrdersModule")`, or `method "Mails.thank" (module "MailModule")`. */
export const originName = ({ className, moduleName, method }: WorkflowOrigin) =>
  `${method === undefined ? `class "${className}"` : `method "${memberName(className, method)}"`} (module "${moduleName}")`;

/** `ClassName.method`. Symbols have a description at best. */
export const memberName = (className: string, key: MethodKey) =>
  key === '' ? className : `${className}.${typeof key === 'symbol' ? (key.description ?? 'method') : key}`;

const quoteAll = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');

export const IMPORTED_WITHOUT_FOR_ROOT =
  'RedflowModule was imported without options. Import RedflowModule.forRoot() once, in the root module; features need no import, ' +
  'since the module is global unless isGlobal is false.';

export const connectionConfiguredTwice = (name: string) =>
  `RedflowModule.forRoot() was called more than once for connection "${name}". Keep one call, or give the others a name: ` +
  "RedflowModule.forRoot({ name: 'reports' }).";

export const requestScopedOptions = (connection: string, scoped: string, user?: string) =>
  `The options of RedflowModule for connection "${connection}" depend on "${scoped}"${user === undefined ? '' : ` (injected into "${user}")`}, ` +
  'which is request-scoped. They are needed once, at boot: every request would open connections of its own, and no worker would start. ' +
  'Inject providers of the default scope.';

export const requestScopedProvider = (connection: string, provider: string, scoped: string) =>
  `Provider "${provider}" of RedflowModule for connection "${connection}" depends on "${scoped}", which is request-scoped, and there has to be ` +
  'one for the application. Provide it with the default scope.';

export const unknownConnection = (workflow: string, origin: WorkflowOrigin, connection: string, known: readonly string[]) =>
  `Workflow "${workflow}" of ${originName(origin)} belongs to connection "${connection}", which no RedflowModule has. ` +
  `Known: ${quoteAll(known)}. Import RedflowModule.forRoot({ name: '${connection}' }) or change ` +
  `${origin.method === undefined ? '@Workflow({ connection })' : "the decorator's option connection"}.`;

export const otherConnection = (className: string, connection: string, asked: string) =>
  `Workflow class "${className}" belongs to connection "${connection}", not to "${asked}": inject its client with ` +
  `@InjectRedflow('${connection}').`;

export const duplicateName = (workflow: string, first: WorkflowOrigin, second: WorkflowOrigin) =>
  `Workflow name "${workflow}" is used by ${originName(first)} and by ${originName(second)}. Give one of them another: ` +
  `${(second.method ?? first.method) === undefined ? "@Workflow('another-name')" : "the decorator's option name"}.`;

export const duplicateStep = (step: string, first: WorkflowOrigin, second: WorkflowOrigin) =>
  `Step name "${step}" is used by ${originName(first)} and by another ${originName(second)}: the calls of both in one run would be counted ` +
  "together. Rename one of the classes, or give one of the steps a name: @Step('another-name').";

export const duplicateVersion = (workflow: string, version: string, first: WorkflowOrigin, second: WorkflowOrigin) =>
  `Version "${version}" of workflow "${workflow}" is ${originName(first)} and ${originName(second)}. Give one of them another \`version\`.`;

export const twoCurrentVersions = (workflow: string, first: WorkflowOrigin, second: WorkflowOrigin) =>
  `Workflow "${workflow}" has \`current: true\` on ${originName(first)} and on ${originName(second)}. Keep it on the one that new runs ` +
  'are to take.';

export const noCurrentVersion = (workflow: string, origins: readonly WorkflowOrigin[]) =>
  `Workflow "${workflow}" is ${origins.map(originName).join(' and ')}: put \`current: true\` on the one that new runs are to take.`;

export const inheritedTwice = (workflow: string, first: WorkflowOrigin, second: WorkflowOrigin) =>
  `Workflow "${workflow}" is ${originName(first)} and also ${originName(second)}, which inherits it. Provide one of the two classes ` +
  'only, or override the method in the subclass: undecorated to leave the workflow to the base, or with a name of its own.';

export const duplicateClass = ({ className, method }: WorkflowOrigin, modules: readonly [string, string]) =>
  `${method === undefined ? `Workflow class "${className}"` : `Class "${className}" with workflow method "${memberName(className, method)}"`} ` +
  `is provided twice, in modules ${modules.map((name) => `"${name}"`).join(' and ')}, so which ` +
  'instance would execute its runs is open. Provide it in one module and export it from there.';

export const missingRun = (workflow: string, origin: WorkflowOrigin) =>
  `Workflow "${workflow}" of ${originName(origin)} has no run() method. Add async run(ctx: WorkflowContext<Input>) { … }.`;

export const workflowIsController = (className: string) =>
  `Workflow class "${className}" is a controller. Move run() to a provider: an @Injectable() class listed in providers.`;

export const decoratedController = (decorator: string, where: string) =>
  `${decorator} is on ${where}, a controller's. Move it to a provider: an @Injectable() class listed in providers.`;

export const decoratedEnhancer = (decorator: string, where: string) =>
  `${decorator} is on ${where}, of which Nest makes guards, interceptors, pipes or filters only. List the class in providers as well.`;

export const triggerWithoutWorkflow = (decorator: string, origin: WorkflowOrigin) =>
  `${decorator} is on ${originName(origin)}, which is no workflow. Add @Workflow() to the class, or put the decorator on a method.`;

export const triggerOnRun = (decorator: string, origin: WorkflowOrigin) =>
  `${decorator} is on ${originName(origin)}, which @Workflow() executes already. Put it on the class.`;

export const stepOnRun = (origin: WorkflowOrigin) =>
  `@Step() is on ${originName(origin)}, which is the workflow: as one step of itself it could not have steps, nor wait. Put it on the ` +
  'methods that run() calls.';

export const hookWithoutWorkflow = (origin: WorkflowOrigin) =>
  `@OnFailure() is on ${originName(origin)}, but its class is no workflow. It is the failure hook of a @Workflow() class: make the ` +
  'work that may fail such a class, or catch the failure in the method.';

export const hookOfItself = (origin: WorkflowOrigin) =>
  `@OnFailure() is on ${originName(origin)}, which is a workflow itself. Give the hook a method of its own.`;

export const twoHooks = (first: WorkflowOrigin, second: WorkflowOrigin) =>
  `@OnFailure() is on ${originName(first)} and on ${originName(second)}. A workflow has one failure hook: let one call the other.`;

export const enhancedHook = (origin: WorkflowOrigin) =>
  `@OnFailure() is on ${originName(origin)}, to which guards, interceptors, pipes or filters are bound, and none are called around a ` +
  'failure hook. Bind them to a @Step() that the hook calls.';

export const filledParameters = (origin: WorkflowOrigin) =>
  `A parameter of ${originName(origin)} has a decorator, and nothing would fill it: workflows get (ctx), (input, ctx) or (failure). Read ` +
  'what you need from there, or from currentRun().';

export const optionSetTwice = (where: string, option: string, decorators: readonly [string, string]) =>
  `Option "${option}" of ${where} has different values in ${decorators.join(' and ')}. Together they make one workflow: set it in ` +
  'one of them.';

export const workflowOptionOnTrigger = (where: string, option: string) =>
  `${where} has the option "${option}", which is the workflow's. Put it in @Workflow({ ${option} }).`;

export const noEvent = (event: unknown) =>
  `@OnEvent() takes the name of an event or what defineEvent() made; got ${event === null ? 'null' : typeof event}. Undefined comes ` +
  'from a circular import: define the event in a file that imports neither side.';

export const notAMethod = (decorator: string, member: string) =>
  `${decorator} decorates methods only, and "${member}" is none: turn it into an async method.`;

export const staticMethod = (decorator: string, member: string) =>
  `${decorator} is for methods of providers, and "${member}" is static: remove "static".`;

export const unknownOverride = (workflow: string, known: readonly string[]) =>
  `RedflowModule option workflows names "${workflow}", but no workflow of that name was found.${suggestion(workflow, known)} ` +
  `Known: ${quoteAll(known) || 'none'}.`;

export const missingValidator = (target: string) =>
  `Class "${target}" as a workflow's input needs class-validator and class-transformer: npm install class-validator ` +
  'class-transformer. Or give a Standard Schema (zod, valibot, arktype) instead.';

export const undecoratedDto = (target: string) =>
  `Class "${target}" as a workflow's input has no decorators of class-validator, so it would accept everything. Decorate its properties, ` +
  'or give a Standard Schema (zod, valibot, arktype) instead.';

export const unsupportedOption = (where: string, key: string, supported: readonly string[]) =>
  `${where} has the unsupported option "${key}".${suggestion(key, supported)} Supported options are: ${supported.join(', ')}.`;

const TEXT_FROM_ENVIRONMENT = ' Variables of the environment are text: convert them.';

export const wrongKind = (option: string, expected: string, got: unknown) =>
  `Expected RedflowModule option ${option} to be ${expected}; got ${kindOf(got)}.${typeof got === 'string' && got !== '' ? TEXT_FROM_ENVIRONMENT : ''}`;

export const noOptions = (got: unknown) =>
  `RedflowModule takes an object of options and got ${kindOf(got)}. A factory returns {} for the defaults; a ConfigService gives undefined ` +
  'for a key that it does not have.';

export const extraInFactory = (key: string) =>
  `RedflowModule.forRootAsync() got "${key}" from its factory, but it is needed before the factory runs: put it beside ` +
  `useFactory, as in forRootAsync({ ${key}, useFactory }).`;

export const unreachableEnhancer = (enhancer: string, member: string) =>
  `"${enhancer}" is bound to "${member}" as a class, and Nest has no instance of it for that provider. It makes them for providers that ` +
  'are registered as a class, without useFactory or useValue, and none that are transient. Bind an instance instead: ' +
  `new ${enhancer}(…).`;

export const stepWithoutProvider = (member: string) =>
  `Enhancers are bound to step "${member}", which was called without a provider: as a static method, or as a function taken from its ` +
  'object. Call it on the provider, or remove them.';

export const refusedOption = (origin: WorkflowOrigin, reason: string, configuredBy?: 'workflows' | 'defaults') =>
  `${reason} (on ${originName(origin)}${configuredBy === undefined ? '' : `, set by RedflowModule option ${configuredBy}`})`;

export const notExecutable = (workflow: string, className: string) =>
  `Workflow "${workflow}" cannot be executed here: its class "${className}" is not a provider of this application.`;

export const loadedLate = (workflow: string, className: string, moduleName: string) =>
  `Workflow "${workflow}" would not be executed: its class "${className}" came with module "${moduleName}" after the boot, and workflows ` +
  'are looked for at the boot only. Import the module in one that is there from the start.';

export const servedElsewhere = (workflow: string, className: string) =>
  `Workflow "${workflow}" is started here, and its class "${className}" is no provider of this application: its runs wait for a worker ` +
  'that has it. List it in providers, unless another process serves it.';

export const withoutModule = (workflow: string) =>
  `Workflow "${workflow}" cannot be instantiated: its provider was removed from its module after the boot.`;

const MOST_NAMES = 10;

export const minifiedNames = (names: readonly string[]) =>
  `Default names come from classes with one or two letters, as a minified build has them: ${quoteAll(names.slice(0, MOST_NAMES))}` +
  `${names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ''}. The next build may name them otherwise: steps would then be ` +
  'executed again, and runs would wait for workflows that nobody has. Let the build keep class names (esbuild: keepNames, terser: ' +
  "keep_classnames), or give names: @Workflow('order'), @Step('charge').";

export const passedBy = (workflow: string, error: unknown) =>
  `An interceptor of workflow "${workflow}" did not call the handler of a run that has begun ` +
  `(${error === undefined ? 'it returned a value instead' : describe(error)}). A run can be refused before its first step only: the handler ` +
  'is called without its interceptors.';

/** Without the value, which may be a URL with a password. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value === '') return 'empty text';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function suggestion(name: string, known: readonly string[]): string {
  const [candidate] = closeMatches(name, known);
  return candidate === undefined ? '' : ` Did you mean "${candidate}"?`;
}
