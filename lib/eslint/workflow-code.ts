import type { TSESLint, TSESTree } from '@typescript-eslint/utils';
import { enclosingClass, enclosingFunction, type FunctionNode, isFunction, keyName, memberName, walk } from './ast.js';
import { localFunction } from './bindings.js';
import { type Handler, handlersOfClass, handlersOfDefinition, isStepMethod } from './handlers.js';
import { inlineCall } from './inline-callbacks.js';
import { isDeclaredContext } from './redflow-names.js';
import { type StepRole, Steps } from './steps.js';

type SourceCode = Readonly<TSESLint.SourceCode>;

/** Which code of a file is executed anew on every pass, and which only in steps. */
export interface WorkflowCode {
  readonly steps: Steps;
  /** Whether the code at a node is that of a handler, outside of its steps: of functions it calls, too, where the file has them. */
  isHandlerCode(node: TSESTree.Node): boolean;
  /** What the innermost function that is executed as a step, and that the node is in, is to its step. */
  stepAround(node: TSESTree.Node): StepRole | undefined;
}

const known = new WeakMap<object, WorkflowCode>();

/** What the rules ask of a file, found out once. */
export function workflowCodeOf(source: SourceCode): WorkflowCode {
  const code = known.get(source.ast) ?? analyse(source);
  known.set(source.ast, code);
  return code;
}

function analyse(source: SourceCode): WorkflowCode {
  const { handlers, calls, methods } = collect(source);
  const steps = new Steps(source, new Set(handlers.map(({ handler, contextAt }) => handler.params[contextAt])));
  const operations = calls.filter((call) => steps.operation(call) !== undefined);
  const stepFunctions = new Map<TSESTree.Node, StepRole>([
    ...methods.map(({ value }) => [value, 'step'] as const),
    ...operations.filter((call) => steps.operation(call) === 'run').flatMap((call) => steps.functionsOf(call)),
  ]);
  const handlerFunctions = new Set(handlers.map(({ handler }) => handler));
  const stepAround = (node: TSESTree.Node) => {
    let fn = enclosingFunction(node);
    while (fn && !stepFunctions.has(fn) && !handlerFunctions.has(fn)) fn = enclosingFunction(fn);
    return fn && stepFunctions.get(fn);
  };
  const parts = operations.filter((call) => !stepAround(call)).flatMap((call) => partOfHandler(source, call) ?? []);
  const handlerCode = reachable(source, [...handlerFunctions, ...parts], stepFunctions);
  return {
    steps,
    stepAround,
    isHandlerCode: (node) => {
      const fn = enclosingFunction(node);
      return fn !== undefined && handlerCode.has(fn);
    },
  };
}

function collect(source: SourceCode) {
  const handlers: Handler[] = [];
  const calls: TSESTree.CallExpression[] = [];
  const methods: TSESTree.MethodDefinition[] = [];
  walk(source.ast, source.visitorKeys, (node) => {
    if (node.type === 'ClassDeclaration' || node.type === 'ClassExpression') handlers.push(...handlersOfClass(source, node));
    if (node.type === 'CallExpression') {
      calls.push(node);
      handlers.push(...handlersOfDefinition(source, node));
    }
    if (isStepMethod(source, node)) methods.push(node);
    return true;
  });
  return { handlers, calls, methods };
}

/** The function with a declared context that takes a step: whoever calls it, it is executed outside of steps. */
function partOfHandler(source: SourceCode, step: TSESTree.CallExpression): FunctionNode | undefined {
  let fn = enclosingFunction(step);
  while (fn && inlineCall(fn)) fn = enclosingFunction(fn);
  return fn?.params.some((parameter) => isDeclaredContext(source, parameter)) ? fn : undefined;
}

/** The functions that are executed when those given are, steps left out. */
function reachable(
  source: SourceCode,
  entries: FunctionNode[],
  stepFunctions: ReadonlyMap<TSESTree.Node, StepRole>,
): Set<FunctionNode> {
  const found = new Set<FunctionNode>();
  const todo = [...entries];
  for (let fn = todo.pop(); fn; fn = todo.pop()) {
    if (found.has(fn) || stepFunctions.has(fn)) continue;
    found.add(fn);
    const entered = fn;
    walk(fn, source.visitorKeys, (node) => {
      if (isFunction(node) && node !== entered) {
        if (inlineCall(node)) todo.push(node);
        return false;
      }
      if (node.type === 'CallExpression') todo.push(...calledFunction(source, node));
      return true;
    });
  }
  return found;
}

function calledFunction(source: SourceCode, { callee }: TSESTree.CallExpression): FunctionNode[] {
  if (callee.type !== 'MemberExpression') return [localFunction(source, callee) ?? []].flat();
  if (callee.object.type !== 'ThisExpression') return [];
  const method = enclosingClass(callee)?.body.find(
    (member) => member.type === 'MethodDefinition' && !member.static && keyName(member) === memberName(callee),
  );
  // Whatever a decorator makes of a method, it may be a step.
  if (method?.type !== 'MethodDefinition' || method.decorators?.length > 0) return [];
  return [method.value];
}
