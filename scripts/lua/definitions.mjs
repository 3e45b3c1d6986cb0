import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseSync } from '@swc/core';

/**
 * What `defineOperation` is given in the TypeScript files under a folder, by the name of the operation: where, its arguments, and whether it
 * keeps the owners of runs known.
 */
export function readDefinitions(folder) {
  const definitions = new Map();
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  for (const path of paths.sort()) {
    const text = readFileSync(join(folder, path), 'utf8');
    if (!text.includes('= defineOperation(')) continue;
    const file = basename(path);
    for (const given of callsIn(parseSync(text, { syntax: 'typescript', target: 'es2022' }))) {
      const name = literalOf(given.get('name'));
      const args = given.get('args')?.elements?.map((element) => literalOf(element?.expression));
      if (name === undefined || !args || args.includes(undefined))
        throw new Error(`${file}: write the \`name\` and \`args\` of an operation as literals: the build reads them.`);
      if (definitions.has(name))
        throw new Error(`${file}: "${name}" is defined in ${definitions.get(name).file}, too: remove one.`);
      definitions.set(name, { file, args, keepsOwners: given.get('keepsOwners')?.value === true });
    }
  }
  return definitions;
}

/** @throws for a definition and a header that do not say the same, or one without the other */
export function checkDefinitions(headers, definitions) {
  const known = new Set();
  for (const [file, { name, args }] of headers) {
    known.add(name);
    const defined = definitions.get(name);
    if (defined?.file !== `${file}.ts`)
      throw new Error(
        `${file}.lua: "${name}" is not defined: call defineOperation({ name: '${name}', … }) in ${file}.ts beside it.`,
      );
    if (defined.args.join() !== args.join())
      throw new Error(
        `${file}.lua: its header has the arguments ${listed(args)}, and ${defined.file} has ${listed(defined.args)}: make them the same.`,
      );
  }
  for (const [name, { file }] of definitions)
    if (!known.has(name)) throw new Error(`${file}: "${name}" has no Lua file: add ${name.replaceAll('_', '-')}.lua beside it.`);
}

/** Entries of a table of those that keep the owners of runs known. */
export function keepersOf(definitions) {
  return [...definitions].flatMap(([name, { keepsOwners }]) => (keepsOwners ? [`${name} = true`] : [])).sort();
}

const listed = (args) => args.join(', ') || 'none';

const literalOf = (node) => (node?.type === 'StringLiteral' ? node.value : undefined);

/** The properties of the object of each call, by name. */
function callsIn(module) {
  const calls = [];
  const visit = (node) => {
    if (node === null || typeof node !== 'object') return;
    if (node.type === 'CallExpression' && node.callee.value === 'defineOperation') {
      const properties = node.arguments[0]?.expression.properties ?? [];
      calls.push(new Map(properties.map(({ key, value }) => [key?.value, value])));
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(module);
  return calls;
}
