import type { TSESTree } from '@typescript-eslint/utils';

/** A function with a body that can be entered. */
export type FunctionNode =
  | TSESTree.ArrowFunctionExpression
  | TSESTree.FunctionExpression
  | TSESTree.FunctionDeclaration
  | TSESTree.TSEmptyBodyFunctionExpression;

export function isFunction(node: TSESTree.Node | null | undefined): node is FunctionNode {
  return node?.type === 'ArrowFunctionExpression' || node?.type === 'FunctionExpression' || node?.type === 'FunctionDeclaration';
}

export function enclosingFunction(node: TSESTree.Node): FunctionNode | undefined {
  for (let at = node.parent; at; at = at.parent) {
    if (isFunction(at)) return at;
  }
  return undefined;
}

/** The class that `this` is an instance of at a node: arrow functions have no `this` of their own. */
export function enclosingClass(node: TSESTree.Node): TSESTree.ClassBody | undefined {
  for (let at = node.parent; at; at = at.parent) {
    if (at.type === 'ClassBody') return at;
    const isPlainFunction = at.type === 'FunctionDeclaration' || at.type === 'FunctionExpression';
    if (isPlainFunction && at.parent?.type !== 'MethodDefinition') return undefined;
  }
  return undefined;
}

/** The expression itself, without what only types or optional chains put around it. */
export function unwrap(node: TSESTree.Node): TSESTree.Node {
  return isWrapper(node) ? unwrap(node.expression) : node;
}

/** The outermost expression that is the same value, with what only types or optional chains put around it. */
export function wrapped(node: TSESTree.Node): TSESTree.Node {
  return node.parent && isWrapper(node.parent) ? wrapped(node.parent) : node;
}

function isWrapper(node: TSESTree.Node) {
  return (
    node.type === 'TSAsExpression' ||
    node.type === 'TSSatisfiesExpression' ||
    node.type === 'TSNonNullExpression' ||
    node.type === 'TSTypeAssertion' ||
    node.type === 'ChainExpression'
  );
}

/** The text of a literal, or of a template without expressions. */
export function literalText(node: TSESTree.Node | undefined): string | undefined {
  if (node?.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined;
  if (node?.type !== 'TemplateLiteral' || node.expressions.length > 0) return undefined;
  return node.quasis[0].value.cooked ?? undefined;
}

/** The name of a member, property or method; undefined if it is computed. */
export function keyName({ computed, key }: { computed: boolean; key: TSESTree.Node }): string | undefined {
  if (key.type === 'PrivateIdentifier') return `#${key.name}`;
  if (!computed && key.type === 'Identifier') return key.name;
  return literalText(key);
}

export function memberName(node: TSESTree.MemberExpression): string | undefined {
  return keyName({ computed: node.computed, key: node.property });
}

/** The value of a property of an object literal. */
export function propertyValue(node: TSESTree.Node | undefined, name: string): TSESTree.Node | undefined {
  if (node?.type !== 'ObjectExpression') return undefined;
  for (const property of node.properties) {
    if (property.type === 'Property' && keyName(property) === name) return property.value;
  }
  return undefined;
}

/** Calls `visit` with a node and all below it; what `visit` answers false for is not entered. */
export function walk(
  node: TSESTree.Node,
  visitorKeys: Readonly<Record<string, readonly string[] | undefined>>,
  visit: (node: TSESTree.Node) => boolean,
): void {
  if (!visit(node)) return;
  for (const key of visitorKeys[node.type] ?? []) {
    const children: unknown = Reflect.get(node, key);
    for (const child of Array.isArray(children) ? children : [children]) if (isNode(child)) walk(child, visitorKeys, visit);
  }
}

function isNode(value: unknown): value is TSESTree.Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
