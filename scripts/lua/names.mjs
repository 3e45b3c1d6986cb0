import { eachAccess, Flow } from './flow.mjs';
import { nearest } from './problem.mjs';
import { walk } from './scopes.mjs';
import { FIELDS, hashCall, textOf } from './tables.mjs';

/**
 * Puts what is stored in place of the names that the sources have for it: 'wf' for RUN.workflow, 'q' for STATUS.queued, and run[10] for
 * run.workflow where `run` is what HMGET has answered. Refuses names that are in no table, or that were not asked for. Answers the nodes of the
 * names of tables, which mean nothing else.
 */
export function applyNames(sources, tables) {
  const replaced = new Set();
  const nameOf = (node, table) => {
    const of = tableOf(node);
    return of && FIELDS.includes(of) && (!table || table === of) ? node.identifier.name : undefined;
  };
  const tableOf = (node) =>
    node.type === 'MemberExpression' && node.base.type === 'Identifier' && Object.hasOwn(tables, node.base.name)
      ? node.base.name
      : undefined;

  for (const source of sources)
    walk(source.chunk, (node) => {
      const table = tableOf(node);
      if (!table) return;
      const { name } = node.identifier;
      if (!Object.hasOwn(tables[table], name))
        source.refuse(
          node,
          `${table} has no "${name}".${nearest(name, Object.keys(tables[table])) || ' The names are in stored-names.ts.'}`,
        );
      source.replace(node, `'${tables[table][name]}'`);
      replaced.add(node.base);
    });

  const flow = new Flow(sources, nameOf);
  const own = namesOfTheirOwn(sources, flow);
  for (const source of sources) {
    walk(source.chunk, (node) => refuseCodes(source, flow, tables, node));
    eachAccess(source, (node) => {
      if (!replaced.has(node.base)) applyPlace(source, flow, tables, own, node);
    });
  }
  return replaced;
}

const listsOf = (flow, node) => flow.of(node).filter(({ kind }) => kind === 'list');

/** Names by which a list has something that it was not asked for: `run.unwinding = …`. */
function namesOfTheirOwn(sources, flow) {
  const own = new Map();
  for (const source of sources)
    eachAccess(source, (node, isTarget) => {
      if (!isTarget || node.type !== 'MemberExpression') return;
      for (const list of listsOf(flow, node.base))
        if (!list.fields.includes(node.identifier.name)) own.set(list, (own.get(list) ?? new Set()).add(node.identifier.name));
    });
  return own;
}

function applyPlace(source, flow, tables, own, node) {
  const variable = node.base.name;
  const lists = listsOf(flow, node.base);
  if (lists.length === 0) {
    if (node.type === 'MemberExpression') refuseUnknown(source, flow, tables, node);
    return;
  }
  if (node.type === 'IndexExpression') {
    const name = lists[0].fields[node.index.value - 1];
    if (name) source.refuse(node, `read by its name: ${variable}.${name} for ${variable}[${node.index.value}].`);
    return;
  }
  const { name } = node.identifier;
  if (flow.of(node.base).some(({ kind }) => kind === 'table'))
    source.refuse(node, `"${variable}" is a list of fields for some callers and a table for others: take one of them.`);
  const places = new Set(lists.map((list) => list.fields.indexOf(name) + 1));
  if (places.size > 1)
    source.refuse(
      node,
      `"${variable}" comes from several reads, and not all of them have "${name}" in one place: ask for the same fields in the same order.`,
    );
  const [place] = places;
  if (place > 0) source.replace(node, `${variable}[${place}]`);
  else if (
    !lists.every((list) => own.get(list)?.has(name)) ||
    !Object.values(tables).some((table) => Object.hasOwn(table, name))
  ) {
    const hint = nearest(name, lists[0].fields.filter(Boolean)) || ` It was asked for ${lists[0].fields.join(', ')}.`;
    source.refuse(node, `"${variable}" has no "${name}".${hint}`);
  }
}

/** A name that would be nil of a list that has come in a way which is not followed. */
function refuseUnknown(source, flow, tables, node) {
  const { name } = node.identifier;
  if (flow.of(node.base).length > 0 || !FIELDS.some((table) => Object.hasOwn(tables[table], name))) return;
  source.refuse(
    node,
    `what "${node.base.name}" is cannot be told, so "${name}" has no place in it: read it with HMGET and names of a table here, or take it as an argument from where that is done.`,
  );
}

/** The fields of a hash have names: 'st' is a code of RUN. */
function refuseCodes(source, flow, tables, node) {
  const hash = hashCall(node);
  const table = hash && flow.of(hash.key).find(({ kind }) => kind === 'key')?.table;
  if (!table) return;
  for (const field of hash.fields) {
    if (field.type !== 'StringLiteral') continue;
    const code = textOf(field);
    const known = Object.entries(tables[table]).find(([, each]) => each === code);
    source.refuse(
      field,
      known ? `write ${table}.${known[0]} for '${code}'.` : `'${code}' is no field of ${table}: add it to stored-names.ts.`,
    );
  }
}
