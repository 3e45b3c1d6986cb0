/** Which declaration each name of a chunk means, and what each of its functions keeps. */

/** Lua keeps three values of its own for each loop over a range or an iterator. */
const HIDDEN_OF_A_LOOP = 3;

class Scope {
  names = new Map();
  constructor(outer) {
    this.outer = outer;
  }
  find(name) {
    return this.names.get(name) ?? this.outer?.find(name);
  }
}

/**
 * - `bindings`: each declared name, with its references
 * - `free`: references to names that the chunk does not declare
 * - `functions`: each function with its most local names at once and the outer ones that it refers to
 *
 * A reference is `{ name, node, statement, isWrite }`, the statement being that of the chunk which it lies in.
 */
export function resolve(chunk) {
  const bindings = [];
  const free = [];
  const functions = [];
  let scope = new Scope();
  let current;
  let statement;

  function declare(identifier) {
    const isTopLevel = current === functions[0] && scope.outer === undefined;
    const binding = { name: identifier.name, node: identifier, owner: current, isTopLevel, statement, references: [] };
    bindings.push(binding);
    scope.names.set(identifier.name, binding);
    keep(1);
  }
  function keep(count) {
    current.active += count;
    current.mostLocals = Math.max(current.mostLocals, current.active);
  }
  function within(run) {
    const [outer, active] = [scope, current.active];
    scope = new Scope(outer);
    run();
    scope = outer;
    current.active = active;
  }
  function refer(node, isWrite = false) {
    const binding = scope.find(node.name);
    const reference = { name: node.name, node, statement, isWrite, binding };
    if (!binding) {
      free.push(reference);
      return;
    }
    binding.references.push(reference);
    for (let at = current; at !== binding.owner; at = at.outer) at.upvalues.add(binding);
  }
  function intoFunction(node) {
    const outer = current;
    current = { node, outer, active: 0, mostLocals: 0, upvalues: new Set() };
    functions.push(current);
    within(() => {
      for (const parameter of node.parameters) if (parameter.type === 'Identifier') declare(parameter);
      node.body.forEach(visit);
    });
    current = outer;
  }
  const block = (body) => within(() => body.forEach(visit));
  const assigned = (target) => (target.type === 'Identifier' ? refer(target, true) : visit(target));

  const visitors = {
    Identifier: (node) => refer(node),
    MemberExpression: (node) => visit(node.base),
    TableKeyString: (node) => visit(node.value),
    LocalStatement(node) {
      node.init.forEach(visit);
      node.variables.forEach(declare);
    },
    AssignmentStatement(node) {
      node.init.forEach(visit);
      node.variables.forEach(assigned);
    },
    FunctionDeclaration(node) {
      if (node.isLocal) declare(node.identifier);
      else if (node.identifier) assigned(node.identifier);
      intoFunction(node);
    },
    ForNumericStatement(node) {
      for (const part of [node.start, node.end, node.step]) if (part) visit(part);
      within(() => {
        keep(HIDDEN_OF_A_LOOP);
        declare(node.variable);
        block(node.body);
      });
    },
    ForGenericStatement(node) {
      node.iterators.forEach(visit);
      within(() => {
        keep(HIDDEN_OF_A_LOOP);
        node.variables.forEach(declare);
        block(node.body);
      });
    },
    DoStatement: (node) => block(node.body),
    WhileStatement(node) {
      visit(node.condition);
      block(node.body);
    },
    RepeatStatement(node) {
      within(() => {
        node.body.forEach(visit);
        visit(node.condition);
      });
    },
    IfStatement(node) {
      for (const clause of node.clauses) {
        if (clause.condition) visit(clause.condition);
        block(clause.body);
      }
    },
  };
  function visit(node) {
    const visitor = visitors[node.type];
    if (visitor) visitor(node);
    else children(node).forEach(visit);
  }

  const chunkScope = scope;
  // The names of the chunk itself are those of the outermost scope.
  current = { node: chunk, outer: undefined, active: 0, mostLocals: 0, upvalues: new Set() };
  functions.push(current);
  for (const each of chunk.body) {
    statement = each;
    visit(each);
  }
  return { bindings, free, functions, topLevel: chunkScope.names };
}

/** The nodes below a node, in the order of the source. */
export function children(node) {
  const found = [];
  for (const [key, value] of Object.entries(node)) {
    if (key === 'loc' || key === 'range') continue;
    for (const child of Array.isArray(value) ? value : [value]) if (typeof child?.type === 'string') found.push(child);
  }
  return found;
}

export function walk(node, use) {
  use(node);
  for (const child of children(node)) walk(child, use);
}
