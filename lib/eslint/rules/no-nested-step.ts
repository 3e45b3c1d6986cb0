import { defineRule } from '../define-rule.js';

/** Reports durable operations inside a step: `ctx.step.run` is not stored there, and the others fail. */
export const noNestedStep = defineRule({
  description: 'Disallow steps inside the function of another step',
  messages: {
    step: '`{{name}}` inside a step is a part of that step: it is not stored, and it runs again whenever the outer one does. Call it in the handler, after the outer step.',
    operation: '`{{name}}` inside a step throws a NestedStepError. Call it in the handler, after the step.',
  },
  listen(context, { steps, stepAround }) {
    const { sourceCode } = context;
    return {
      CallExpression(node) {
        const operation = steps.operation(node);
        const role = stepAround(node);
        if (operation === undefined || !role) return;
        // A compensation may ask which code its run has executed.
        if (operation === 'patched' && role === 'compensation') return;
        const messageId = operation === 'run' ? 'step' : 'operation';
        context.report({ node, messageId, data: { name: sourceCode.getText(node.callee) } });
      },
    };
  },
});
