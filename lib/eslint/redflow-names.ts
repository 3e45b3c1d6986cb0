import type { TSESLint, TSESTree } from '@typescript-eslint/utils';
import { boundProperty, originOf } from './bindings.js';

type SourceCode = Readonly<TSESLint.SourceCode>;
/** What can have decorators, and what the parser says of one that has none. */
type Decorated = { readonly decorators?: readonly TSESTree.Decorator[] | null | undefined };

const PACKAGE = /^nestjs-redflow(\/|$)/;
const CONTEXT_TYPES = ['WorkflowContext', 'FailureContext'];

/** The name under which the package exports what an expression or type means; undefined for what comes from elsewhere. */
export function redflowName(source: SourceCode, node: TSESTree.Node): string | undefined {
  const origin = originOf(source, node);
  return origin?.module !== undefined && PACKAGE.test(origin.module) && origin.path.length === 1 ? origin.path[0] : undefined;
}

/** Whether a file imports the package, be it only a type: no code of another file is a workflow. */
export function mentionsRedflow(source: SourceCode): boolean {
  return /['"]nestjs-redflow(\/[\w-]+)?['"]/.test(source.text);
}

/** The decorators of the package that a class or member has. The parser for plain JavaScript knows none. */
export function redflowDecorators(source: SourceCode, { decorators }: Decorated): string[] {
  return (decorators ?? []).flatMap(({ expression }) => {
    const name = redflowName(source, expression.type === 'CallExpression' ? expression.callee : expression);
    return name === undefined ? [] : [name];
  });
}

/** Whether a parameter or variable is declared to be the context of a run or of a failure hook. */
export function isDeclaredContext(source: SourceCode, target: TSESTree.Node): boolean {
  const name = declaredType(source, target);
  return name !== undefined && CONTEXT_TYPES.includes(name);
}

/** Whether a parameter or variable is declared to be `ctx.step`. */
export function isDeclaredStepApi(source: SourceCode, target: TSESTree.Node): boolean {
  return declaredType(source, target) === 'StepApi';
}

function declaredType(source: SourceCode, target: TSESTree.Node): string | undefined {
  const bound = target.type === 'AssignmentPattern' ? target.left : target;
  if (bound.type !== 'Identifier' && bound.type !== 'ObjectPattern') return undefined;
  const type = bound.typeAnnotation?.typeAnnotation;
  return type?.type === 'TSTypeReference' ? redflowName(source, type.typeName) : undefined;
}

/** Whether a pattern takes a member out of an object, under this name. */
export function bindsMember(pattern: TSESTree.Node, member: string, name: string): boolean {
  const bound = pattern.type === 'AssignmentPattern' ? pattern.left : pattern;
  return bound.type === 'ObjectPattern' && boundProperty(bound, name) === member;
}
