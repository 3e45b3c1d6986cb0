import { children, walk } from './scopes.mjs';
import { hashCall, TABLE_OF_KEY } from './tables.mjs';

const ELEMENT = { kind: 'element' };

/**
 * What the variables of all sources can hold, as far as it matters for names in place of positions. Values are
 * - { kind: 'list', fields }: what HMGET has answered, with the names of its fields, without them if it was asked for others
 * - { kind: 'names', fields }: a table of fields that HMGET is asked for
 * - { kind: 'key', table }: the key of a hash
 * - { kind: 'table' }: a table with fields of its own
 * - { kind: 'element' }: something out of a table
 * - functions, as nodes of the tree
 *
 * They are followed through assignments, arguments and answers, not through what is kept in tables.
 */
export class Flow {
  #bindings = new Map();
  #values = new Map();
  #answers = new Map();
  #made = new Map();
  #members = new Map();
  #constraints = [];

  /** `nameOf(node, table)` answers the name of the field that an argument of a command is, undefined if it is none. */
  constructor(sources, nameOf) {
    this.nameOf = nameOf;
    const shared = new Map();
    for (const source of sources) for (const [name, binding] of source.topLevel) if (!shared.has(name)) shared.set(name, binding);
    for (const source of sources) {
      for (const binding of source.bindings) {
        this.#bindings.set(binding.node, binding);
        for (const { node } of binding.references) this.#bindings.set(node, binding);
      }
      for (const { name, node } of source.free) if (shared.has(name)) this.#bindings.set(node, shared.get(name));
      this.#constrain(source.chunk, undefined);
    }
    for (let changed = true; changed; ) changed = this.#constraints.map((apply) => apply()).includes(true);
  }

  /** What an expression can be. */
  of(node, index = 0) {
    return [...this.#eval(node, index)];
  }

  #constrain(node, within) {
    const inside = node.type === 'FunctionDeclaration' ? node : within;
    if (node.type === 'LocalStatement' || node.type === 'AssignmentStatement')
      node.variables.forEach((variable, index) => {
        if (variable.type === 'Identifier') this.#into(this.#setOf(variable), () => this.#at(node.init, index));
      });
    if (node.type === 'FunctionDeclaration' && node.identifier) {
      if (node.identifier.type === 'Identifier') this.#into(this.#setOf(node.identifier), () => [node]);
      else this.#members.set(`${node.identifier.base.name}.${node.identifier.identifier.name}`, node);
    }
    if (node.type === 'ForGenericStatement')
      for (const variable of node.variables) this.#into(this.#setOf(variable), () => [ELEMENT]);
    if (node.type === 'CallExpression') this.#constraints.push(() => this.#handOver(node));
    if (node.type === 'ReturnStatement' && within)
      node.arguments.forEach((_, index) => {
        this.#into(this.#answerOf(within, index), () => this.#at(node.arguments, index));
      });
    for (const child of children(node)) this.#constrain(child, inside);
  }

  #into(set, read) {
    this.#constraints.push(() => addAll(set, read()));
  }

  #handOver({ base, arguments: given }) {
    let changed = false;
    for (const called of this.#eval(base))
      if (called.type === 'FunctionDeclaration')
        called.parameters.forEach((parameter, index) => {
          if (parameter.type === 'Identifier' && addAll(this.#setOf(parameter), this.#at(given, index))) changed = true;
        });
    return changed;
  }

  /** The value of a list of expressions at a place, of which the last may be a call that answers several. */
  #at(expressions, index) {
    const last = expressions.length - 1;
    if (index < last || index === last) return this.#eval(expressions[index]);
    return expressions[last]?.type === 'CallExpression' ? this.#eval(expressions[last], index - last) : [];
  }

  #eval(node, index = 0) {
    if (node.type === 'CallExpression') return this.#answer(node, index);
    if (index > 0) return [];
    if (node.type === 'Identifier') return this.#bindings.has(node) ? this.#setOf(node) : [];
    if (node.type === 'FunctionDeclaration') return [node];
    if (node.type === 'MemberExpression') {
      const member = node.base.type === 'Identifier' && this.#members.get(`${node.base.name}.${node.identifier.name}`);
      return member ? [member] : [];
    }
    if (node.type === 'IndexExpression') return [ELEMENT];
    if (node.type === 'LogicalExpression')
      return node.operator === 'or' ? [...this.#eval(node.left), ...this.#eval(node.right)] : this.#eval(node.right);
    if (node.type === 'TableConstructorExpression') return this.#once(node, () => this.#table(node));
    return [];
  }

  #table({ fields }) {
    const names = fields.map(({ type, value }) => (type === 'TableValue' ? this.nameOf(value) : undefined));
    if (names.length > 0 && names.every((name) => name !== undefined)) return [{ kind: 'names', fields: names }];
    return fields.some(({ type }) => type === 'TableKeyString') ? [{ kind: 'table' }] : [];
  }

  #answer(node, index) {
    const table = index === 0 && TABLE_OF_KEY[node.base.name];
    if (table) return this.#once(node, () => [{ kind: 'key', table }]);
    if (node.base.type === 'MemberExpression' && node.base.base.name === 'cjson')
      return this.#once(node, () => [{ kind: 'table' }]);
    const hash = hashCall(node);
    if (hash?.command === 'HMGET' && index === 0) return this.#list(node, hash);
    const answers = [];
    for (const called of this.#eval(node.base))
      if (called.type === 'FunctionDeclaration') answers.push(...this.#answerOf(called, index));
    return answers;
  }

  #list(node, { key, fields }) {
    if (!this.#made.has(node)) {
      const [table] = [...this.#eval(key)].filter(({ kind }) => kind === 'key').map((each) => each.table);
      const names = fields.map((field) => this.nameOf(field, table));
      const unpacked = fields.length === 1 && fields[0].type === 'CallExpression' && fields[0].base.name === 'unpack';
      const [listed] = unpacked ? [...this.#eval(fields[0].arguments[0])].filter(({ kind }) => kind === 'names') : [];
      // What the key or the names are may be found later.
      if (!listed && !names.some((name) => name !== undefined)) return [];
      this.#made.set(node, [{ kind: 'list', fields: listed?.fields ?? names }]);
    }
    return this.#made.get(node);
  }

  #once(node, make) {
    if (!this.#made.has(node)) this.#made.set(node, make());
    return this.#made.get(node);
  }

  #setOf(identifier) {
    const binding = this.#bindings.get(identifier) ?? identifier;
    if (!this.#values.has(binding)) this.#values.set(binding, new Set());
    return this.#values.get(binding);
  }

  #answerOf(called, index) {
    if (!this.#answers.has(called)) this.#answers.set(called, []);
    const answers = this.#answers.get(called);
    while (answers.length <= index) answers.push(new Set());
    return answers[index];
  }
}

function addAll(set, values) {
  const before = set.size;
  for (const value of [...values]) set.add(value);
  return set.size > before;
}

/** Uses each expression `x.name` or `x[1]` whose x is a variable. */
export function eachAccess(source, use) {
  const targets = new Set();
  walk(source.chunk, (node) => {
    if (node.type === 'AssignmentStatement') for (const variable of node.variables) targets.add(variable);
    const isAccess =
      node.type === 'MemberExpression' || (node.type === 'IndexExpression' && node.index.type === 'NumericLiteral');
    if (isAccess && node.base.type === 'Identifier') use(node, targets.has(node));
  });
}
