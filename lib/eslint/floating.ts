import type { TSESLint, TSESTree } from '@typescript-eslint/utils';
import { enclosingFunction, type FunctionNode, memberName, wrapped } from './ast.js';
import { variableOf } from './bindings.js';
import { inlineCall } from './inline-callbacks.js';

type SourceCode = Readonly<TSESLint.SourceCode>;

const PROMISE_METHODS = ['then', 'catch', 'finally'];
const COMBINATORS = ['all', 'allSettled', 'any', 'race'];
/** Methods that make an array of what their callbacks return. */
const ARRAYS = ['map', 'flatMap', 'from'];
const FOLDS = ['reduce', 'reduceRight'];

/** Where promises get lost, and whether it is one, one that is asked whether it is true, an array of them, or what `forEach` was given. */
export interface Floating {
  readonly node: TSESTree.Node;
  readonly kind: 'promise' | 'condition' | 'array' | 'forEach';
}

/**
 * The expression with which a promise gets lost: nothing awaits it, returns it, stores it or is given it. Undefined for a promise that
 * somebody may await.
 */
export function floatingPromise(source: SourceCode, promise: TSESTree.Node): Floating | undefined {
  return lost(source, { node: promise, kind: 'promise' });
}

function lost(source: SourceCode, value: Floating): Floating | undefined {
  const node = wrapped(value.node);
  const { parent } = node;
  const here: Floating = { node, kind: value.kind };
  const outer = (expression: TSESTree.Node) => lost(source, { node: expression, kind: value.kind });
  switch (parent?.type) {
    case 'ExpressionStatement':
      return here;
    case 'AwaitExpression':
      // What is awaited is an array, which settles at once.
      return value.kind === 'array' ? here : ofFunction(source, enclosingFunction(node));
    case 'ReturnStatement':
      return ofFunction(source, enclosingFunction(node));
    case 'ArrowFunctionExpression':
      return parent.body === node ? ofFunction(source, parent) : undefined;
    case 'IfStatement':
    case 'WhileStatement':
    case 'DoWhileStatement':
      return { node, kind: 'condition' };
    case 'UnaryExpression':
      return parent.operator === '!' ? { node, kind: 'condition' } : undefined;
    case 'ConditionalExpression':
      if (parent.test === node) return { node, kind: 'condition' };
      return outer(parent) && here;
    case 'LogicalExpression':
      if (parent.left === node) return { node, kind: 'condition' };
      return outer(parent) && here;
    case 'SequenceExpression':
      return parent.expressions.at(-1) !== node || outer(parent) ? here : undefined;
    case 'MemberExpression':
      return ofMember(source, parent);
    case 'ArrayExpression':
      return lost(source, { node: parent, kind: 'array' });
    case 'CallExpression':
      return isGivenToCombinator(node) ? floatingPromise(source, parent) : undefined;
    case 'VariableDeclarator':
      return parent.id.type === 'ObjectPattern' || !isRead(source, parent.id) ? here : undefined;
    case 'AssignmentExpression':
      return parent.operator === '=' && parent.right === node && !isRead(source, parent.left) ? here : undefined;
    default:
      return undefined;
  }
}

/** What becomes of the promise that an asynchronous function returns, or of the one that it hands on. */
function ofFunction(source: SourceCode, fn: FunctionNode | undefined): Floating | undefined {
  const { call, method = '', isIteration } = (fn && inlineCall(fn)) ?? {};
  if (!call || call.type === 'NewExpression') return undefined;
  if (method === 'forEach') return { node: call, kind: 'forEach' };
  if (ARRAYS.includes(method)) return lost(source, { node: call, kind: 'array' });
  return isIteration && !FOLDS.includes(method) ? undefined : floatingPromise(source, call);
}

/** `.then(…)` is the promise that follows; any other member is something else. */
function ofMember(source: SourceCode, member: TSESTree.MemberExpression): Floating | undefined {
  const callee = wrapped(member);
  const isCalled = callee.parent?.type === 'CallExpression' && callee.parent.callee === callee;
  return isCalled && PROMISE_METHODS.includes(memberName(member) ?? '') ? floatingPromise(source, callee.parent) : undefined;
}

function isGivenToCombinator(node: TSESTree.Node): boolean {
  const { parent } = node;
  if (parent?.type !== 'CallExpression' || parent.arguments[0] !== node || parent.callee.type !== 'MemberExpression')
    return false;
  const { object } = parent.callee;
  return object.type === 'Identifier' && object.name === 'Promise' && COMBINATORS.includes(memberName(parent.callee) ?? '');
}

/** Whether anything reads the variable; what is no variable may be read anywhere. */
function isRead(source: SourceCode, target: TSESTree.Node): boolean {
  if (target.type !== 'Identifier') return true;
  const variable = variableOf(source, target);
  if (!variable) return true;
  const { parent } = variable.defs[0].node;
  const isExported = parent?.parent?.type === 'ExportNamedDeclaration';
  return isExported || variable.references.some((reference) => reference.isRead());
}
