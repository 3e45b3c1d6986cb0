import type { TSESLint, TSESTree } from '@typescript-eslint/utils';
import { enclosingClass, type FunctionNode, isFunction, keyName, memberName, propertyValue, unwrap } from './ast.js';
import { constantValue, definitionOf, localClass, localFunction, MAX_ALIASES } from './bindings.js';
import { fieldType } from './fields.js';
import { isStepMethod } from './handlers.js';
import { bindsMember, isDeclaredContext, isDeclaredStepApi, redflowName } from './redflow-names.js';

type SourceCode = Readonly<TSESLint.SourceCode>;

/** The methods of `ctx.step`. */
const OPERATIONS = ['run', 'waitFor', 'runWorkflow', 'waitForEvent', 'waitForAny', 'emitEvent', 'emitWorkflow'];

/** The methods of the context itself that are durable. */
const OF_CONTEXT = ['commit', 'patched'];

/** What a function is to the step that executes it. */
export type StepRole = 'step' | 'compensation';

/** Finds the durable operations of a file that imports the package. */
export class Steps {
  /** @param contexts the parameters that are contexts by their place in a handler */
  constructor(
    private readonly source: SourceCode,
    private readonly contexts: ReadonlySet<TSESTree.Node>,
  ) {}

  /** The durable operation that a call is, by its name; undefined for any other call. */
  operation(node: TSESTree.CallExpression): string | undefined {
    const callee = unwrap(node.callee);
    if (callee.type === 'Identifier') return OF_CONTEXT.find((name) => this.isMemberOfContext(callee, name));
    if (callee.type !== 'MemberExpression') return undefined;
    const name = memberName(callee) ?? '';
    if (OPERATIONS.includes(name)) return this.isStepApi(callee.object) ? name : undefined;
    return OF_CONTEXT.includes(name) && this.isContext(callee.object) ? name : undefined;
  }

  /** The name under which a call of `ctx.step` is stored. */
  stepName(node: TSESTree.CallExpression): TSESTree.CallExpressionArgument | undefined {
    const operation = this.operation(node);
    return operation === undefined || OF_CONTEXT.includes(operation) ? undefined : node.arguments[0];
  }

  /** Whether a call is one of a `@Step()` method: of its own class, or of a class in the file that the constructor injects. */
  isStepMethodCall(node: TSESTree.CallExpression): boolean {
    const callee = unwrap(node.callee);
    if (callee.type !== 'MemberExpression') return false;
    const provider = this.classOf(unwrap(callee.object));
    const method = provider?.body.find((member) => member.type === 'MethodDefinition' && keyName(member) === memberName(callee));
    return method !== undefined && isStepMethod(this.source, method);
  }

  /** The functions of the file that a call of `ctx.step.run` executes, and what they are to it. */
  functionsOf(node: TSESTree.CallExpression): Array<[FunctionNode, StepRole]> {
    const [, fn, options] = node.arguments;
    const compensate = propertyValue(options, 'compensate');
    const given = [
      [fn, 'step'],
      [compensate, 'compensation'],
      [propertyValue(compensate, 'run'), 'compensation'],
    ] as const;
    return given.flatMap(([value, role]) => {
      const found = localFunction(this.source, value);
      return found ? [[found, role] as [FunctionNode, StepRole]] : [];
    });
  }

  private isStepApi(expression: TSESTree.Node): boolean {
    const node = unwrap(expression);
    // `ctx.step` of whatever is called `ctx`: nothing else in a file that imports the package has such operations.
    if (node.type === 'MemberExpression') return memberName(node) === 'step';
    if (node.type !== 'Identifier') return false;
    const def = definitionOf(this.source, node);
    if (def && isDeclaredStepApi(this.source, def.node.type === 'VariableDeclarator' ? def.node.id : def.name)) return true;
    const value = constantValue(this.source, node);
    return this.isMemberOfContext(node, 'step') || (value?.type === 'MemberExpression' && this.isStepApi(value));
  }

  /** Whether a name was taken out of a context: by a parameter's pattern, or by a constant's. */
  private isMemberOfContext(node: TSESTree.Identifier, member: string): boolean {
    const def = definitionOf(this.source, node);
    if (isFunction(def?.node)) {
      return def.node.params.some((parameter) => bindsMember(parameter, member, node.name) && this.isContextParameter(parameter));
    }
    if (def?.node.type !== 'VariableDeclarator' || !bindsMember(def.node.id, member, node.name)) return false;
    const { id, init } = def.node;
    return isDeclaredContext(this.source, id) || (init !== null && this.isContext(init));
  }

  private isContext(expression: TSESTree.Node, aliases = MAX_ALIASES): boolean {
    const node = unwrap(expression);
    if (node.type === 'CallExpression') return redflowName(this.source, node.callee) === 'currentRun';
    const def = definitionOf(this.source, node);
    if (!def) return false;
    if (isFunction(def.node)) {
      return def.node.params.some((parameter) => nameOf(parameter) === def.name && this.isContextParameter(parameter));
    }
    if (def.node.type !== 'VariableDeclarator') return false;
    if (isDeclaredContext(this.source, def.node.id)) return true;
    const value = aliases > 0 ? constantValue(this.source, node) : undefined;
    return value !== undefined && this.isContext(value, aliases - 1);
  }

  private isContextParameter(parameter: TSESTree.Node): boolean {
    return this.contexts.has(parameter) || isDeclaredContext(this.source, parameter);
  }

  /** The class of `this`, or of `this.x` where the constructor or a field says what `x` is. */
  private classOf(node: TSESTree.Node): TSESTree.ClassBody | undefined {
    if (node.type === 'ThisExpression') return enclosingClass(node);
    const type = node.type === 'MemberExpression' ? fieldType(node) : undefined;
    return type && localClass(this.source, type.typeName);
  }
}

function nameOf(parameter: TSESTree.Node): TSESTree.Identifier | undefined {
  const target = parameter.type === 'AssignmentPattern' ? parameter.left : parameter;
  return target.type === 'Identifier' ? target : undefined;
}
