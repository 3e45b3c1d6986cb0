import { closeMatches } from './engine/index.js';

/** Where a workflow was found, as messages name it. */
export interface WorkflowOrigin {
  readonly className: string;
  readonly moduleName: string;
}

const describe = ({ className, moduleName }: WorkflowOrigin) => `"${className}" (module "${moduleName}")`;
const quoteAll = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');

export const IMPORTED_WITHOUT_FOR_ROOT =
  'RedflowModule was imported without options. Import RedflowModule.forRoot() once, in the root module; features need no import, ' +
  'since the module is global unless isGlobal is false.';

export const connectionConfiguredTwice = (name: string) =>
  `RedflowModule.forRoot() was called more than once for connection "${name}". Keep one call, or give the others a name: ` +
  "RedflowModule.forRoot({ name: 'reports' }).";

export const unknownConnection = (workflow: string, origin: WorkflowOrigin, connection: string, known: readonly string[]) =>
  `Workflow "${workflow}" of class ${describe(origin)} belongs to connection "${connection}", which no RedflowModule has. ` +
  `Known: ${quoteAll(known)}. Import RedflowModule.forRoot({ name: '${connection}' }) or change @Workflow({ connection }).`;

export const otherConnection = (className: string, connection: string, asked: string) =>
  `Workflow class "${className}" belongs to connection "${connection}", not to "${asked}": inject its client with ` +
  `@InjectRedflow('${connection}').`;

export const duplicateName = (workflow: string, first: WorkflowOrigin, second: WorkflowOrigin) =>
  `Workflow name "${workflow}" is used by class ${describe(first)} and by class ${describe(second)}. Give one of them another: ` +
  "@Workflow('another-name').";

export const duplicateClass = (className: string, modules: readonly [string, string]) =>
  `Workflow class "${className}" is provided twice, in modules ${modules.map((name) => `"${name}"`).join(' and ')}, so which ` +
  'instance would execute its runs is open. Provide it in one module and export it from there.';

export const missingRun = (workflow: string, origin: WorkflowOrigin) =>
  `Workflow "${workflow}" of class ${describe(origin)} has no run() method. Add async run(ctx: WorkflowContext<Input>) { … }.`;

export const workflowIsController = (className: string) =>
  `Workflow class "${className}" is a controller. Move run() to a provider: an @Injectable() class listed in providers.`;

export const unknownOverride = (workflow: string, known: readonly string[]) =>
  `RedflowModule option workflows names "${workflow}", but no workflow of that name was found.${suggestion(workflow, known)} ` +
  `Known: ${quoteAll(known) || 'none'}.`;

export const missingValidator = (target: string) =>
  `Class "${target}" as a workflow's input needs class-validator and class-transformer: npm install class-validator ` +
  'class-transformer. Or give a Standard Schema (zod, valibot, arktype) instead.';

export const unsupportedOption = (where: string, key: string, supported: readonly string[]) =>
  `${where} has the unsupported option "${key}".${suggestion(key, supported)} Supported options are: ${supported.join(', ')}.`;

export const extraInFactory = (key: string) =>
  `RedflowModule.forRootAsync() got "${key}" from its factory, but it is needed before the factory runs: put it beside ` +
  `useFactory, as in forRootAsync({ ${key}, useFactory }).`;

export const notExecutable = (workflow: string, className: string) =>
  `Workflow "${workflow}" cannot be executed here: its class "${className}" is not a provider of this application.`;

export const withoutModule = (workflow: string) =>
  `Workflow "${workflow}" cannot be instantiated: its provider was removed from its module after the boot.`;

function suggestion(name: string, known: readonly string[]): string {
  const [candidate] = closeMatches(name, known);
  return candidate === undefined ? '' : ` Did you mean "${candidate}"?`;
}
