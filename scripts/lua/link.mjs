import { GLOBALS, MEMBERS } from './globals.mjs';
import { nearest } from './problem.mjs';
import { walk } from './scopes.mjs';

const ALWAYS = 'always';

/**
 * Finds what each name means that a source does not declare itself, refuses those that mean nothing, and puts `group().name` in place of
 * one that is made on demand. Answers what each group made on demand has to hand out.
 */
export class Linker {
  /** Declarations of the shared sources: name → { source, binding }. */
  #shared = new Map();
  /** Tables of functions, `function blocks.offer(id)`: name of the table → what it has. */
  #tables = new Map();

  /** `order` has { source, group, header? } of each source in the order of the script. */
  constructor(order, groups) {
    this.order = order;
    this.groups = groups;
    this.positions = new Map(order.map((each, index) => [each.source, index]));
    for (const { source, header } of order) if (!header) this.#collect(source);
  }

  #collect(source) {
    for (const [name, binding] of source.topLevel) {
      const other = this.#shared.get(name);
      if (other)
        source.refuse(binding.node, `"${name}" is declared in ${other.source.file}.lua, too: give one of them another name.`);
      this.#shared.set(name, { source, binding });
    }
    for (const { type, identifier, loc } of source.chunk.body) {
      if (type !== 'FunctionDeclaration' || identifier.type !== 'MemberExpression') continue;
      const table = identifier.base.name;
      const members = this.#tables.get(table) ?? new Map();
      members.set(identifier.identifier.name, { source, loc });
      this.#tables.set(table, members);
    }
    // What a table of functions begins with: registry = { formerly = {} }.
    for (const { type, variables, init } of source.chunk.body) {
      const members = type === 'LocalStatement' && this.#tables.get(variables[0].name);
      for (const field of (members && init[0]?.fields) || []) members.set(field.key.name, { source, loc: field.loc });
    }
  }

  /** `replaced` are nodes of names that the script will not have. */
  link(replaced) {
    const handedOut = new Map(this.groups.map((group) => [group, new Set()]));
    const aliases = new Set();
    for (const entry of this.order) {
      this.#checkMembers(entry.source);
      for (const reference of entry.source.free) {
        const { name, node } = reference;
        if (replaced.has(node) || entry.header?.names.has(name) || entry.names?.has(name)) continue;
        const found = this.#shared.get(name);
        if (!found) this.#checkGlobal(entry, reference);
        else {
          const group = this.#groupOf(found.source);
          if (group === ALWAYS || group === entry.group) this.#checkOrder(entry, found, reference);
          else this.#checkUnchanged(found, entry, reference);
          if (group === ALWAYS || group === entry.group) continue;
          handedOut.get(group).add(name);
          // A group that is made after another one has its names as its own.
          if (this.groups.indexOf(group) < this.groups.indexOf(entry.group)) aliases.add(name);
          else entry.source.replace(node, `${group}().${name}`);
        }
      }
    }
    return { handedOut, aliases };
  }

  #groupOf(source) {
    return this.order[this.positions.get(source)].group;
  }

  #checkGlobal({ source, header }, { name, node, isWrite }) {
    if (GLOBALS.has(name) && !isWrite) return;
    if (isWrite) source.refuse(node, `"${name}" is assigned to but declared nowhere: begin with "local ${name} =".`);
    const known = [
      ...this.#shared.keys(),
      ...GLOBALS,
      ...source.bindings.map((binding) => binding.name),
      ...(header?.names ?? []),
    ];
    source.refuse(node, `"${name}" is defined nowhere.${nearest(name, new Set(known)) || ' Declare it, or correct the name.'}`);
  }

  #checkOrder({ source, group }, found, { name, node }) {
    const [here, there] = [source, found.source].map((each) => this.positions.get(each));
    if (here === there) source.refuse(node, `"${name}" is used before it is declared: move its declaration up.`);
    if (there > here) {
      const files = `"${found.source.file}" before "${source.file}" in ${group} of scripts/lua/manifest.mjs`;
      source.refuse(node, `"${name}" is declared in ${found.source.file}.lua, which comes later: list ${files}.`);
    }
  }

  /** What is handed out is a copy: one that gets another value later would be the old one elsewhere. */
  #checkUnchanged({ source, binding }, entry, { name, node, isWrite }) {
    if (isWrite)
      entry.source.refuse(
        node,
        `"${name}" of ${source.file}.lua is made on demand and cannot be set from here: set it there, in a function.`,
      );
    const isFunctionToCome = binding.statement.type === 'LocalStatement' && binding.statement.init.length === 0;
    const changes = binding.references.filter((reference) => reference.isWrite);
    if (changes.length > (isFunctionToCome ? 1 : 0))
      entry.source.refuse(
        node,
        `"${name}" gets another value in ${source.file}.lua, of which this would not know: read it there, in a function.`,
      );
  }

  #checkMembers(source) {
    walk(source.chunk, (node) => {
      if (node.type !== 'MemberExpression' || node.base.type !== 'Identifier') return;
      const { name } = node.base;
      const member = node.identifier.name;
      const isDeclaredHere = source.bindings.some((binding) => binding.name === name && !binding.isTopLevel);
      if (isDeclaredHere) return;
      const members = this.#tables.get(name) ?? (source.topLevel.has(name) ? undefined : MEMBERS[name]);
      if (members && !members.has(member)) source.refuse(node, `"${name}" has no "${member}".${nearest(member, members.keys())}`);
    });
  }
}
