import type { TSESLint, TSESTree } from '@typescript-eslint/utils';
import { type FunctionNode, isFunction, keyName, literalText, memberName, unwrap } from './ast.js';
import { fieldType } from './fields.js';

type SourceCode = Readonly<TSESLint.SourceCode>;
type Variable = TSESLint.Scope.Variable;

/** Where a value comes from: a module and the path in it, or a path from a global name. What is injected comes from the `prototype` of its class. */
export interface Origin {
  readonly module?: string;
  readonly path: readonly string[];
}

/** Constants that are made of constants: no code has chains of them longer than this, and circles end. */
export const MAX_ALIASES = 5;
const GLOBAL_OBJECTS = ['globalThis', 'global', 'window', 'self'];

/** The variable that a name means at a node; undefined for a global that the file does not declare. */
export function variableOf(source: SourceCode, name: TSESTree.Identifier | TSESTree.JSXIdentifier): Variable | undefined {
  for (let scope: TSESLint.Scope.Scope | null = source.getScope(name); scope; scope = scope.upper) {
    const variable = scope.set.get(name.name);
    // Globals that are only configured, or belong to the type library, have no definition.
    if (variable && variable.defs.length > 0) return variable;
  }
  return undefined;
}

/** What the file says of a name, if it says it once. */
export function definitionOf(source: SourceCode, node: TSESTree.Node | undefined): TSESLint.Scope.Definition | undefined {
  if (node?.type !== 'Identifier') return undefined;
  const defs = variableOf(source, node)?.defs ?? [];
  return defs.length === 1 ? defs[0] : undefined;
}

/** The initial value of a constant that is bound as a whole. */
export function constantValue(source: SourceCode, node: TSESTree.Node | undefined): TSESTree.Expression | undefined {
  const declarator = constantOf(definitionOf(source, node));
  return declarator?.id.type === 'Identifier' ? (declarator.init ?? undefined) : undefined;
}

function constantOf(def: TSESLint.Scope.Definition | undefined): TSESTree.VariableDeclarator | undefined {
  if (def?.node.type !== 'VariableDeclarator') return undefined;
  return def.node.parent.type === 'VariableDeclaration' && def.node.parent.kind === 'const' ? def.node : undefined;
}

/** A function that is written down in place, or declared in the file under the name. */
export function localFunction(source: SourceCode, node: TSESTree.Node | undefined): FunctionNode | undefined {
  if (isFunction(node)) return node;
  const def = definitionOf(source, node);
  // The definition of a parameter names its function, too.
  if (def?.type === 'FunctionName' && isFunction(def.node)) return def.node;
  const value = constantValue(source, node);
  return isFunction(value) ? value : undefined;
}

/** A class that the file declares under the name. */
export function localClass(source: SourceCode, node: TSESTree.Node): TSESTree.ClassBody | undefined {
  const declared = definitionOf(source, node)?.node;
  return declared?.type === 'ClassDeclaration' ? declared.body : undefined;
}

/** Where the value of an expression comes from, as far as names, members, imports and constants tell. */
export function originOf(source: SourceCode, expression: TSESTree.Node, aliases = MAX_ALIASES): Origin | undefined {
  const node = unwrap(expression);
  if (node.type === 'MemberExpression') {
    const name = memberName(node);
    const type = fieldType(node);
    if (type) return memberOf(originOf(source, type.typeName, aliases), 'prototype');
    return name === undefined ? undefined : memberOf(originOf(source, node.object, aliases), name);
  }
  if (node.type === 'MetaProperty') return { path: [`${node.meta.name}.${node.property.name}`] };
  if (node.type === 'AwaitExpression') return originOf(source, node.argument, aliases);
  if (node.type === 'ImportExpression') return moduleOrigin(literalText(node.source));
  if (node.type === 'CallExpression') return originOfRequire(source, node);
  if (node.type !== 'Identifier') return undefined;
  if (!variableOf(source, node)) return GLOBAL_OBJECTS.includes(node.name) ? { path: [] } : { path: [node.name] };
  const def = definitionOf(source, node);
  return originOfImport(def) ?? (aliases > 0 ? originOfConstant(source, { def, node }, aliases - 1) : undefined);
}

function memberOf(origin: Origin | undefined, name: string): Origin | undefined {
  if (!origin) return undefined;
  const isModule = origin.module !== undefined && origin.path.length === 0;
  // What a namespace calls `default` is what the plain import of the module is.
  return isModule && name === 'default' ? origin : { ...origin, path: [...origin.path, name] };
}

function moduleOrigin(specifier: string | undefined): Origin | undefined {
  if (specifier === undefined) return undefined;
  const module = specifier.replace(/^node:/, '');
  return module === 'process' ? { path: ['process'] } : { module, path: [] };
}

function originOfRequire(source: SourceCode, { callee, arguments: [specifier] }: TSESTree.CallExpression): Origin | undefined {
  const isRequire = callee.type === 'Identifier' && callee.name === 'require' && !variableOf(source, callee);
  return isRequire ? moduleOrigin(literalText(specifier)) : undefined;
}

function originOfImport(def: TSESLint.Scope.Definition | undefined): Origin | undefined {
  if (def?.node.type === 'TSImportEqualsDeclaration') {
    const { moduleReference } = def.node;
    return moduleReference.type === 'TSExternalModuleReference'
      ? moduleOrigin(literalText(moduleReference.expression))
      : undefined;
  }
  const declaration = def?.node.parent;
  if (declaration?.type !== 'ImportDeclaration') return undefined;
  const module = moduleOrigin(declaration.source.value);
  if (def?.node.type !== 'ImportSpecifier') return module;
  const { imported } = def.node;
  return memberOf(module, imported.type === 'Identifier' ? imported.name : imported.value);
}

/** `const { now } = Date`, `const { randomUUID } = require('node:crypto')`, `const { env } = process` */
function originOfConstant(
  source: SourceCode,
  { def, node }: { def: TSESLint.Scope.Definition | undefined; node: TSESTree.Identifier },
  aliases: number,
): Origin | undefined {
  const { id, init } = constantOf(def) ?? {};
  if (!id || !init) return undefined;
  const origin = originOf(source, init, aliases);
  if (id.type === 'Identifier') return origin;
  if (id.type !== 'ObjectPattern') return undefined;
  const name = boundProperty(id, node.name);
  return name === undefined ? undefined : memberOf(origin, name);
}

/** The property that a pattern binds to a name. */
export function boundProperty(pattern: TSESTree.ObjectPattern, name: string): string | undefined {
  for (const property of pattern.properties) {
    if (property.type !== 'Property') continue;
    const target = property.value.type === 'AssignmentPattern' ? property.value.left : property.value;
    if (target.type === 'Identifier' && target.name === name) return keyName(property);
  }
  return undefined;
}
