import type { TSESTree } from '@typescript-eslint/utils';
import { isFunction, literalText } from '../ast.js';
import { constantValue } from '../bindings.js';
import { defineRule } from '../define-rule.js';
import { inlineCall } from '../inline-callbacks.js';
import { leavesLoop } from '../leaves-loop.js';

/** Reports steps that a loop calls again and again under one name: the second call is a DuplicateStepError. */
export const noConstantStepNameInLoop = defineRule({
  description: 'Disallow steps with a constant name in loops',
  messages: {
    constantName:
      'Step "{{name}}" has the same name in every iteration, and the second one throws a DuplicateStepError. Put the index or key into it.',
  },
  listen(context, { steps, stepAround }) {
    const { sourceCode } = context;
    return {
      CallExpression(node) {
        const given = steps.stepName(node);
        if (!given) return;
        const name = literalText(given) ?? literalText(constantValue(sourceCode, given));
        if (name === undefined || stepAround(node) || !isRepeated(node)) return;
        context.report({ node: given, messageId: 'constantName', data: { name } });
      },
    };
  },
});

/** Whether a loop or an array's method around a call can get to it twice, in the function that makes the call. */
function isRepeated(call: TSESTree.Node): boolean {
  for (let node = call; node.parent; node = node.parent) {
    const { parent } = node;
    if (isFunction(parent)) {
      const inline = inlineCall(parent);
      if (!inline) return false;
      if (inline.isIteration) return true;
    }
    if (isExecutedByLoop(parent, node) && !leavesLoop(call, parent)) return true;
  }
  return false;
}

/** Whether a loop executes a child of it in every iteration. */
function isExecutedByLoop(loop: TSESTree.Node, child: TSESTree.Node): boolean {
  if (loop.type === 'ForStatement') return child !== loop.init;
  if (loop.type === 'ForOfStatement' || loop.type === 'ForInStatement') return child === loop.body;
  return loop.type === 'WhileStatement' || loop.type === 'DoWhileStatement';
}
