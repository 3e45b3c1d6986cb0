import { checkDefinitions, keepersOf } from './definitions.mjs';
import { readHeader } from './header.mjs';
import { checkLimits } from './limits.mjs';
import { Linker } from './link.mjs';
import { ALWAYS, EPILOGUE, FREQUENT, ON_DEMAND } from './manifest.mjs';
import { applyNames } from './names.mjs';
import { parse } from './parse.mjs';
import { checkReach } from './reach.mjs';
import { Source } from './source.mjs';
import { tablesOf } from './tables.mjs';

const GROUPS = Object.keys(ON_DEMAND);
const LAST = GROUPS.at(-1);

/**
 * The script of all sources, which are given as text by the name of their file without its ending; `tables` is LUA_TABLES of stored-names.ts,
 * `definitions` what readDefinitions() has found beside the sources.
 * @throws an error that says what is wrong with a source, where, and what to do
 */
export function buildScript(texts, tables, definitions) {
  const shared = [...ALWAYS, ...Object.values(ON_DEMAND).flat(), EPILOGUE];
  for (const file of [...shared, ...FREQUENT])
    if (!texts.has(file))
      throw new Error(`scripts/lua/manifest.mjs lists "${file}", but there is no ${file}.lua: correct the list.`);
  const transitions = [...texts.keys()].filter((file) => !shared.includes(file)).sort();
  const headers = new Map(transitions.map((file) => [file, readHeader(file, texts.get(file))]));
  const entry = (group) => (file) => ({ group, source: new Source(file, texts.get(file)), header: headers.get(file) });
  const always = [...ALWAYS, ...FREQUENT].map(entry('always'));
  const onDemand = GROUPS.map((group) => {
    const rest = group === LAST ? transitions.filter((file) => !FREQUENT.includes(file)) : [];
    return [...ON_DEMAND[group], ...rest].map(entry(group));
  });
  const epilogue = { ...entry('always')(EPILOGUE), names: new Set([LAST, 'keeps_owners']) };
  const order = [...always, ...onDemand.flat(), epilogue];

  for (const { source, header } of order) header?.check(new Set(source.free.map(({ name }) => name)));
  checkDefinitions(headers, definitions);
  const replaced = applyNames(
    order.map(({ source }) => source),
    tablesOf(tables),
  );
  const { handedOut, aliases } = new Linker(order, GROUPS).link(replaced);
  checkReach(order);

  const lines = [
    made(`local ${[...GROUPS].reverse().join(', ')}`),
    ...always.flatMap(linesOf),
    ...onDemand.flatMap((entries, index) => group(GROUPS[index], entries, handedOut, aliases)),
    made(`local keeps_owners = { ${keepersOf(definitions).join(', ')} }`),
    ...linesOf(epilogue),
  ];
  const script = lines.map(({ text }) => text).join('\n');
  checkLimits(parse('the script', script), (line) => lines[line - 1]);
  return script;
}

/** A line that is in no source. */
const made = (text, { file, line } = { file: 'the script', line: 1 }) => ({ text, file, line });

function linesOf({ source, header }) {
  const body = source.lines();
  if (!header) return body;
  const inside = [...header.locals.map((text) => made(text, body[0])), ...body];
  return [
    made(`ops.${header.name} = function(base, count)`, body[0]),
    ...inside.map((line) => ({ ...line, text: `  ${line.text}` })),
    made('end', body.at(-1)),
  ];
}

/** A function that makes what a group has when it is first called, and answers a table of what others need of it. */
function group(name, entries, handedOut, aliases) {
  const fields = [...handedOut.get(name)].sort().map((each) => `${each} = ${each}`);
  const origin = { file: entries[0].source.file, line: 1 };
  const before = GROUPS.slice(0, GROUPS.indexOf(name));
  const own = before.flatMap((other) =>
    [...handedOut.get(other)]
      .filter((each) => aliases.has(each))
      .sort()
      .map((each) => `local ${each} = ${other}().${each}`),
  );
  return [
    `local made_by_${name}`,
    `${name} = function()`,
    `if made_by_${name} then return made_by_${name} end`,
    ...own,
    entries.flatMap(linesOf),
    `made_by_${name} = { ${fields.join(', ')} }`,
    `return made_by_${name}`,
    'end',
  ].flatMap((each) => (typeof each === 'string' ? made(each, origin) : each));
}
