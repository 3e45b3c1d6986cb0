import type { TSESLint, TSESTree } from '@typescript-eslint/utils';
import { enclosingFunction } from '../ast.js';
import { defineRule } from '../define-rule.js';
import { floatingPromise } from '../floating.js';

/**
 * Reports steps whose promise gets lost. The run may end without them, their failures are nobody's, and what follows them in the code does
 * not follow them in time. `void` says that this is meant.
 */
export const noFloatingStep = defineRule({
  description: 'Require steps to be awaited, returned or handed on',
  hasSuggestions: true,
  messages: {
    promise:
      'Nothing awaits this step: the run may end without it, and nobody sees its failure. Add `await`, hand the promise on, or mark it with `void`.',
    condition: 'A promise is always true, whatever the step comes to. Add `await`.',
    array:
      'Nothing awaits the promises of this array: the run may end without its steps, and nobody sees their failures. Use `await Promise.all(...)`.',
    forEach: '`forEach` does not wait for the steps of its callback. Use a `for` loop, or `await Promise.all(items.map(...))`.',
    addAwait: 'Add `await`.',
  },
  listen(context, { steps, isHandlerCode }) {
    const { sourceCode } = context;
    const reported = new Set<TSESTree.Node>();
    return {
      CallExpression(call) {
        if (steps.operation(call) === undefined && !(steps.isStepMethodCall(call) && isHandlerCode(call))) return;
        const floating = floatingPromise(sourceCode, call);
        if (!floating || reported.has(floating.node)) return;
        const { node, kind } = floating;
        reported.add(node);
        const fix = (fixer: TSESLint.RuleFixer) => fixer.insertTextBefore(node, 'await ');
        const isAwaitable = (kind === 'promise' || kind === 'condition') && canAwait(node);
        context.report({ node, messageId: kind, suggest: isAwaitable ? [{ messageId: 'addAwait', fix }] : [] });
      },
    };
  },
});

/** Whether `await` may stand before an expression, and then awaits all of it. */
function canAwait(node: TSESTree.Node): boolean {
  const fn = enclosingFunction(node);
  const isOperand = node.type === 'CallExpression' || node.type === 'ChainExpression';
  return isOperand && (fn === undefined || fn.async);
}
