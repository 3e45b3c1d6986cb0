import type { TSESLint, TSESTree } from '@typescript-eslint/utils';
import { type FunctionNode, isFunction, keyName, propertyValue } from './ast.js';
import { localFunction } from './bindings.js';
import { redflowDecorators, redflowName } from './redflow-names.js';

type SourceCode = Readonly<TSESLint.SourceCode>;

/** A function that the package calls, and the parameter that is its context. */
export interface Handler {
  readonly handler: FunctionNode;
  readonly contextAt: number;
}

/** The handlers that a class declares, `run()` first. */
export function handlersOfClass(source: SourceCode, node: TSESTree.ClassDeclaration | TSESTree.ClassExpression): Handler[] {
  const isWorkflow = redflowDecorators(source, node).includes('Workflow');
  return node.body.body.flatMap((member) => {
    if (member.type !== 'MethodDefinition' || member.static || !isFunction(member.value)) return [];
    const contextAt = contextParameter(source, member, isWorkflow);
    return contextAt === undefined ? [] : [{ handler: member.value, contextAt }];
  });
}

function contextParameter(source: SourceCode, member: TSESTree.MethodDefinition, isWorkflow: boolean): number | undefined {
  const decorators = redflowDecorators(source, member);
  // A method that is its workflow's only step: all of it is in a step.
  if (decorators.includes('Step')) return undefined;
  if (decorators.includes('OnEvent') || decorators.includes('OnCron')) return 1;
  if (decorators.includes('OnFailure')) return 0;
  return isWorkflow && keyName(member) === 'run' ? 0 : undefined;
}

/** Those of `defineWorkflow(name, { handler, onFailure })`. */
export function handlersOfDefinition(source: SourceCode, node: TSESTree.CallExpression): Handler[] {
  if (redflowName(source, node.callee) !== 'defineWorkflow') return [];
  return ['handler', 'onFailure'].flatMap((option) => {
    const handler = localFunction(source, propertyValue(node.arguments[1], option));
    return handler ? [{ handler, contextAt: 0 }] : [];
  });
}

/** Whether a class member is a `@Step()` method. */
export function isStepMethod(source: SourceCode, member: TSESTree.Node): member is TSESTree.MethodDefinition {
  return member.type === 'MethodDefinition' && redflowDecorators(source, member).includes('Step');
}
