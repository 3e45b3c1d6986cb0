import type { TSESLint, TSESTree } from '@typescript-eslint/utils';
import { enclosingClass, type FunctionNode, isFunction, keyName, memberName, propertyValue, unwrap } from './ast.js';
import { constantValue, definitionOf, localClass, localFunction } from './bindings.js';
import { fieldType } from './fields.js';
import { isStepMethod } from './handlers.js';
import { bindsStep, isDeclaredContext, isDeclaredStepApi, redflowName } from './redflow-names.js';

type SourceCode = Readonly<TSESLint.SourceCode>;

/** The methods of `ctx.step`. */
const OPERATIONS = ['run', 'waitFor', 'runWorkflow', 'waitForEvent', 'waitForAny', 'emitEvent', 'emitWorkflow'];

/** Finds the durable operations of a file that imports the package. */
export class Steps {
  /** @param contexts the parameters that are contexts by their place in a handler */
  constructor(
    private readonly source: SourceCode,
    private readonly contexts: ReadonlySet<TSESTree.Node>,
  ) {}

  /** The operation of `ctx.step` that a call is, `commit` for `ctx.commit()`, undefined for any other call. */
  operation(node: TSESTree.CallExpression): string | undefined {
    const callee = unwrap(node.callee);
    if (callee.type !== 'MemberExpression') return undefined;
    const name = memberName(callee) ?? '';
    if (OPERATIONS.includes(name)) return this.isStepApi(callee.object) ? name : undefined;
    return name === 'commit' && this.isContext(callee.object) ? name : undefined;
  }

  /** Whether a call is one of a `@Step()` method: of its own class, or of a class in the file that the constructor injects. */
  isStepMethodCall(node: TSESTree.CallExpression): boolean {
    const callee = unwrap(node.callee);
    if (callee.type !== 'MemberExpression') return false;
    const provider = this.classOf(unwrap(callee.object));
    const method = provider?.body.find((member) => member.type === 'MethodDefinition' && keyName(member) === memberName(callee));
    return method !== undefined && isStepMethod(this.source, method);
  }

  /** The functions of the file that a call of `ctx.step.run` executes as a step: its own and the one that compensates it. */
  functionsOf(node: TSESTree.CallExpression): FunctionNode[] {
    const [, fn, options] = node.arguments;
    const compensate = propertyValue(options, 'compensate');
    return [fn, compensate, propertyValue(compensate, 'run')].flatMap((given) => localFunction(this.source, given) ?? []);
  }

  private isStepApi(expression: TSESTree.Node): boolean {
    const node = unwrap(expression);
    // `ctx.step` of whatever is called `ctx`: nothing else in a file that imports the package has such operations.
    if (node.type === 'MemberExpression') return memberName(node) === 'step';
    const def = definitionOf(this.source, node);
    if (node.type !== 'Identifier' || !def) return false;
    if (isFunction(def.node)) {
      return def.node.params.some(
        (parameter) =>
          (parameter === def.name && isDeclaredStepApi(this.source, parameter)) ||
          (bindsStep(parameter, node.name) && this.isContextParameter(parameter)),
      );
    }
    if (def.node.type !== 'VariableDeclarator') return false;
    const { id, init } = def.node;
    if (isDeclaredStepApi(this.source, id)) return true;
    if (bindsStep(id, node.name)) return init !== null && (this.isContext(init) || isDeclaredContext(this.source, id));
    const value = constantValue(this.source, node);
    return value !== undefined && value.type === 'MemberExpression' && this.isStepApi(value);
  }

  private isContext(expression: TSESTree.Node): boolean {
    const node = unwrap(expression);
    if (node.type === 'CallExpression') return redflowName(this.source, node.callee) === 'currentRun';
    const def = definitionOf(this.source, node);
    if (!def) return false;
    if (isFunction(def.node)) {
      return def.node.params.some((parameter) => nameOf(parameter) === def.name && this.isContextParameter(parameter));
    }
    if (def.node.type !== 'VariableDeclarator') return false;
    const value = constantValue(this.source, node);
    return (
      isDeclaredContext(this.source, def.node.id) || (value?.type === 'Identifier' && value !== node && this.isContext(value))
    );
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
