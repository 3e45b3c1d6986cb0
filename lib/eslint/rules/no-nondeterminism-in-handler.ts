import type { TSESTree } from '@typescript-eslint/utils';
import { propertyValue } from '../ast.js';
import { type Origin, originOf } from '../bindings.js';
import { defineRule } from '../define-rule.js';
import { type Nondeterminism, ofCall, ofConstruction, ofRead } from '../nondeterminism.js';

/**
 * Reports clocks, timers, random values, the environment and I/O in the code of a handler, outside of its steps: every pass executes that code
 * again, and a replay that takes another turn meets other steps than those that are stored.
 */
export const noNondeterminismInHandler = defineRule({
  description: 'Disallow clocks, random values, environment and I/O in workflow handlers, outside of steps',
  messages: {
    clock:
      '`{{name}}` outside of a step gives another time on every pass of the run. Take the time in a step: `await ctx.step.run("now", () => Date.now())`.',
    timer:
      '`{{name}}` outside of a step starts over on every pass and keeps the run on its worker. Wait with `await ctx.step.waitFor(name, duration)`.',
    random:
      '`{{name}}` outside of a step gives another value on every pass of the run. Make the value in a step: `await ctx.step.run(name, () => ...)`.',
    environment:
      '`{{name}}` outside of a step can be different in the process that continues the run. Read it in a step, or pass it in the input.',
    io: '`{{name}}` outside of a step does its work again on every pass of the run. Call it in a step: `await ctx.step.run(name, () => ...)`.',
    client:
      '`{{name}}` outside of a step does its work again on every pass of the run. Use `ctx.step.runWorkflow`, `ctx.step.emitWorkflow` or `ctx.step.emitEvent`, or call it in a step.',
  },
  listen(context, { isHandlerCode }) {
    const { sourceCode } = context;
    const check = (node: TSESTree.Node, what: TSESTree.Node, judge: (origin: Origin) => Nondeterminism | undefined) => {
      const origin = originOf(sourceCode, what);
      const messageId = origin && judge(origin);
      if (messageId && isHandlerCode(node)) context.report({ node, messageId, data: { name: sourceCode.getText(what) } });
    };
    return {
      CallExpression: (node) =>
        check(node, node.callee, (origin) => {
          const found = ofCall(origin, node.arguments.length);
          return found === 'client' && mayBeRepeatable(node.arguments) ? undefined : found;
        }),
      NewExpression: (node) => check(node, node.callee, (origin) => ofConstruction(origin, node.arguments.length)),
      MemberExpression: (node) => check(node, node, ofRead),
    };
  },
});

const KEYS = ['runId', 'idempotencyKey', 'eventId'];

/** Whether the options of a call, its third argument, have a key under which a repeat finds what the first call has created, or may have one. */
function mayBeRepeatable([, , options]: TSESTree.CallExpressionArgument[]): boolean {
  if (options?.type !== 'ObjectExpression') return options !== undefined;
  const hasSpread = options.properties.some(({ type }) => type === 'SpreadElement');
  return hasSpread || KEYS.some((key) => propertyValue(options, key) !== undefined);
}
