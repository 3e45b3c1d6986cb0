import type { TSESTree } from '@typescript-eslint/utils';
import { enclosingFunction } from './ast.js';

const LOOPS = ['ForStatement', 'ForInStatement', 'ForOfStatement', 'WhileStatement', 'DoWhileStatement'];

/**
 * Whether a loop is left once the code at a node has been executed: by a `return`, `throw` or `break` around or after it. Such a loop
 * looks for something, and executes the code once.
 */
export function leavesLoop(node: TSESTree.Node, loop: TSESTree.Node): boolean {
  const fn = enclosingFunction(loop);
  for (let at = node; at !== loop && at.parent; at = at.parent) {
    if (enclosingFunction(at) !== fn) continue;
    if (at.type === 'ReturnStatement' || at.type === 'ThrowStatement') return !isRetried(at, loop);
    const next = statementsAfter(at).find(isJump);
    if (next && leaves(next, loop)) return !isRetried(at, loop);
    if (next && jumpTarget(next) === loop) return false;
  }
  return false;
}

/** Whether the loop goes on when the code fails before it has got to the statement that leaves it. */
function isRetried(exit: TSESTree.Node, loop: TSESTree.Node): boolean {
  for (let at = exit; at !== loop && at.parent; at = at.parent) {
    const { parent } = at;
    if (parent.type === 'TryStatement' && at === parent.block && parent.handler) {
      const jump = parent.handler.body.body.find(isJump);
      return !jump || !leaves(jump, loop);
    }
  }
  return false;
}

function statementsAfter(node: TSESTree.Node): TSESTree.Node[] {
  const { parent } = node;
  const list: TSESTree.Node[] =
    parent?.type === 'BlockStatement' ? parent.body : parent?.type === 'SwitchCase' ? parent.consequent : [];
  return list.slice(list.indexOf(node) + 1);
}

type Jump = TSESTree.ReturnStatement | TSESTree.ThrowStatement | TSESTree.BreakStatement | TSESTree.ContinueStatement;

function isJump(node: TSESTree.Node): node is Jump {
  return (
    node.type === 'ReturnStatement' ||
    node.type === 'ThrowStatement' ||
    node.type === 'BreakStatement' ||
    node.type === 'ContinueStatement'
  );
}

function leaves(jump: Jump, loop: TSESTree.Node): boolean {
  if (jump.type === 'ContinueStatement') return false;
  if (jump.type === 'BreakStatement') return jump.label !== null || jumpTarget(jump) === loop;
  return true;
}

/** The loop or `switch` that a `break` or `continue` without a label is about. */
function jumpTarget(jump: Jump): TSESTree.Node | undefined {
  for (let at: TSESTree.Node | undefined = jump.parent; at; at = at.parent) {
    if (LOOPS.includes(at.type) || (jump.type === 'BreakStatement' && at.type === 'SwitchStatement')) return at;
  }
  return undefined;
}
