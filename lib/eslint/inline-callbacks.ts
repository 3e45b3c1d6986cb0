import type { TSESTree } from '@typescript-eslint/utils';
import { type FunctionNode, memberName, unwrap, wrapped } from './ast.js';

const ITERATIONS = [
  'forEach',
  'map',
  'flatMap',
  'filter',
  'find',
  'findIndex',
  'findLast',
  'findLastIndex',
  'some',
  'every',
  'reduce',
  'reduceRight',
  'sort',
  'toSorted',
];
const PROMISE_METHODS = ['then', 'catch', 'finally'];

/** How a function that is written down as an argument gets called: by what, and whether again and again. */
export interface InlineCall {
  /** The call that it is executed for. */
  readonly call: TSESTree.CallExpression | TSESTree.NewExpression;
  /** The method that calls it; undefined for `new Promise()` and for a function that is called where it stands. */
  readonly method?: string;
  readonly isIteration: boolean;
}

/**
 * The call that executes a function where it stands: of an array's method, of a promise, or of the function itself. Undefined for any other:
 * what an unknown function does with a callback is not certain.
 */
export function inlineCall(fn: FunctionNode): InlineCall | undefined {
  const node = wrapped(fn);
  const call = node.parent;
  if (call?.type === 'NewExpression') {
    const isPromise = call.callee.type === 'Identifier' && call.callee.name === 'Promise' && call.arguments[0] === node;
    return isPromise ? { call, isIteration: false } : undefined;
  }
  if (call?.type !== 'CallExpression') return undefined;
  if (call.callee === node) return { call, isIteration: false };
  const callee = unwrap(call.callee);
  const method = callee.type === 'MemberExpression' ? memberName(callee) : undefined;
  if (callee.type !== 'MemberExpression' || method === undefined) return undefined;
  if (method === 'from' && callee.object.type === 'Identifier' && callee.object.name === 'Array') {
    return call.arguments[1] === node ? { call, method, isIteration: true } : undefined;
  }
  if (ITERATIONS.includes(method) && call.arguments[0] === node) return { call, method, isIteration: true };
  return PROMISE_METHODS.includes(method) ? { call, method, isIteration: false } : undefined;
}
