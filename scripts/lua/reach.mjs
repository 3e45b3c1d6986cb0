import { walk } from './scopes.mjs';

/** What is called from where: refuses shared functions that nobody calls, and those that each call makes but no frequent transition reaches. */
export function checkReach(order) {
  const nodes = new Map();
  const nodeOf = (source, statement) => {
    const name = functionName(statement);
    return name && !isTransition(source) ? name : `${source.file}.lua`;
  };
  const isTransition = (source) => order.find((each) => each.source === source).header !== undefined;
  for (const { source, group } of order) {
    const uses = namesByStatement(source);
    for (const statement of source.chunk.body) {
      const name = nodeOf(source, statement);
      const node = nodes.get(name) ?? {
        name,
        source,
        group,
        statement,
        uses: new Set(),
        isFunction: name !== `${source.file}.lua`,
      };
      nodes.set(name, node);
      walk(statement, (part) => {
        if (part.type === 'MemberExpression' && part.base.type === 'Identifier')
          node.uses.add(`${part.base.name}.${part.identifier.name}`);
      });
      for (const used of uses.get(statement) ?? []) node.uses.add(used);
      node.uses.delete(name);
    }
  }
  const all = [...nodes.values()];
  const reached = reach(
    nodes,
    all.filter((node) => !node.isFunction),
  );
  for (const node of all)
    if (node.isFunction && !reached.has(node)) node.source.refuse(node.statement, `"${node.name}" is used nowhere: remove it.`);
  const atOnce = all.filter((node) => node.group === 'always');
  const often = reach(
    new Map(atOnce.map((node) => [node.name, node])),
    atOnce.filter((node) => !node.isFunction),
  );
  for (const node of atOnce)
    if (node.isFunction && !often.has(node))
      node.source.refuse(
        node.statement,
        `"${node.name}" is made at each call, but no frequent transition uses it: move it to a source that is made on demand (ON_DEMAND in scripts/lua/manifest.mjs).`,
      );
}

/** The names of the script's outermost level that each statement of a source refers to. */
function namesByStatement({ free, bindings }) {
  const names = new Map();
  const outer = bindings.filter(({ isTopLevel }) => isTopLevel).flatMap(({ references }) => references);
  for (const { name, statement } of [...free, ...outer]) names.set(statement, (names.get(statement) ?? new Set()).add(name));
  return names;
}

function reach(nodes, roots) {
  const reached = new Set(roots);
  for (const node of reached)
    for (const name of node.uses) {
      const used = nodes.get(name);
      if (used) reached.add(used);
    }
  return reached;
}

/** The function that a statement makes: `local function f`, `function t.f`, or `f = function` for one that was declared before. */
function functionName({ type, identifier, variables, init }) {
  if (type === 'FunctionDeclaration')
    return identifier.type === 'MemberExpression' ? `${identifier.base.name}.${identifier.identifier.name}` : identifier.name;
  if (type === 'AssignmentStatement' && init[0]?.type === 'FunctionDeclaration') return variables[0].name;
  return undefined;
}
