// Joins lib/engine/redis/lua/*.lua into one script body and writes it as a TypeScript string module, so that the package
// loads it everywhere without reading files. With --check it only says whether the module is out of date.
//
// A transition's arguments are declared once, in its header; the local variables are generated from there. So a header can
// not name what the body does not get, and an argument that the body never reads is refused here.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'lib/engine/redis/lua');
const target = join(root, 'lib/engine/redis/lua.generated.ts');

const withoutComments = (lua) =>
  lua
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s*--/.test(line))
    .map((line) => line.replace(/\s+--\s.*$/, '').trimEnd())
    .join('\n');

function transition(file) {
  const source = readFileSync(join(folder, file), 'utf8');
  const name = file.replace('.lua', '').replaceAll('-', '_');
  const fail = (problem) => {
    throw new Error(`${file}: ${problem}`);
  };
  const header = source.split('\n').filter((line) => line.startsWith('--'));
  if (!header[0]?.startsWith(`-- ${name}: `)) fail(`the header must begin with "-- ${name}: "`);
  const start = header.indexOf('-- ARGS');
  const end = header.findIndex((line) => line.startsWith('-- RETURNS'));
  if (start < 0 || end < start) fail('the header needs "-- ARGS" and "-- RETURNS" lines');
  const args = header
    .slice(start + 1, end)
    .filter((line) => !/^-- {4,}/.test(line))
    .map((line) => /^-- {3}(\.\.\.)?(\w+)/.exec(line) ?? fail(`cannot read "${line}"`));
  const body = withoutComments(source);
  const locals = [];
  args.forEach(([, rest, arg], index) => {
    if (['base', 'count', 'ops', 'call', 'now'].includes(arg)) fail(`argument "${arg}" would hide a name of the prelude`);
    const read = rest ? `${arg}_first` : arg;
    if (!new RegExp(`\\b${read}\\b`).test(body)) fail(`argument "${arg}" is declared but never read`);
    if (rest && index !== args.length - 1) fail(`"...${arg}" must be the last argument`);
    locals.push(
      rest ? `local ${arg}_first, ${arg}_last = base + ${index + 1}, base + count` : `local ${arg} = ARGV[base + ${index + 1}]`,
    );
  });
  if (/\bARGV\[base/.test(body)) fail('arguments are read through their declared names');
  const indented = [...locals, ...body.split('\n')].map((line) => `  ${line}`).join('\n');
  return `ops.${name} = function(base, count)\n${indented}\nend`;
}

/** In the order in which they use each other. */
const SHARED = {
  often: ['prelude.lua', 'create.lua', 'terminate.lua'],
  /** Where several sets of workers live, nearly every call needs these, and few need the rest. */
  routing: ['routes.lua', 'lanes.lua'],
  rarely: [
    'records.lua',
    'admission.lua',
    'lines.lua',
    'gates.lua',
    'blocks.lua',
    'versions.lua',
    'sets.lua',
    'deliver.lua',
    'endings.lua',
    'requeue.lua',
    'children.lua',
    'cancel.lua',
    'events.lua',
    'deployments.lua',
    'registry.lua',
    'lists.lua',
    'search.lua',
  ],
};
/** What runs of every kind do all the time. */
const OFTEN = ['create-run.lua', 'claim-runs.lua', 'commit-step.lua', 'finish-run.lua', 'park-run.lua', 'await-run.lua'];

const read = (...path) => withoutComments(readFileSync(join(folder, ...path), 'utf8'));
const transitions = readdirSync(folder)
  .filter((file) => file.endsWith('.lua') && file !== 'epilogue.lua')
  .sort();

/**
 * Redis makes every function of a script anew with each call: with all of them a call took three times as long. So what is
 * not needed often is made when a call first needs it. What is often needed names it `rare().deliver(…)` or `routing().pass_over(…)`; a
 * name that is used so is found here and gets into a table.
 */
function onDemand(group, body, names) {
  const fields = names.map((name) => `${name} = ${name}`).join(', ');
  return `local made_by_${group}\n${group} = function()\nif made_by_${group} then return made_by_${group} end\n${body}\nmade_by_${group} = { ${fields} }\nreturn made_by_${group}\nend`;
}
const namesAfter = (group, lua) =>
  [...new Set([...lua.matchAll(new RegExp(`\\b${group}\\(\\)\\.(\\w+)`, 'g'))].map(([, name]) => name))].sort();

function groups(often) {
  const routing = SHARED.routing.map((file) => read('shared', 'rare', file)).join('\n');
  const rarely = [
    ...SHARED.rarely.map((file) => read('shared', 'rare', file)),
    ...transitions.filter((file) => !OFTEN.includes(file)).map(transition),
  ].join('\n');
  const shared = [...routing.matchAll(/^local (?:function )?(\w+)/gm)]
    .map(([, name]) => name)
    .filter((name) => new RegExp(`\\b${name}\\b`).test(rarely));
  const exported = [...new Set([...namesAfter('routing', often), ...shared])].sort();
  const aliases = shared.map((name) => `local ${name} = routing().${name}`).join('\n');
  return [onDemand('routing', routing, exported), onDemand('rare', `${aliases}\n${rarely}`, namesAfter('rare', often))].join(
    '\n',
  );
}

const often = [...SHARED.often.map((file) => read('shared', file)), ...OFTEN.map(transition)].join('\n');
const lua = ['local rare, routing', often, groups(often), read('epilogue.lua')].join('\n');
/** Of which ACLs know the parts. */
const CONTAINERS = ['MEMORY', 'OBJECT'];

/**
 * The commands that the script uses, for the self-test of a boot: a command that is refused half-way leaves a transition half-written.
 * So each call names its command, or takes it from a variable that is either of two commands.
 */
function commandsIn(script) {
  const found = new Set();
  for (const [text, first, second] of script.matchAll(/\b(?:call|redis\.p?call)\(\s*('?\w+'?)(?:,\s*('[A-Z]+'))?/g)) {
    const name = first.replaceAll("'", '');
    if (first === name) {
      const either = new RegExp(`local ${name} = [^\n]* and '([A-Z]+)' or '([A-Z]+)'`).exec(script);
      if (!either)
        throw new Error(`"${text}": cannot tell which command this is. Name it, or choose with: local x = y and 'A' or 'B'.`);
      found.add(either[1]).add(either[2]);
    } else found.add(CONTAINERS.includes(name) ? `${name} ${second.replaceAll("'", '')}` : name);
  }
  return [...found].sort();
}

const quoted = lua.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${');
const commands = commandsIn(lua)
  .map((name) => `  '${name}',`)
  .join('\n');
const module = `// Generated by \`npm run build:lua\` from lua/*.lua. Edit those.\nexport const LUA_BODY = \`${quoted}\n\`;

export const LUA_COMMANDS = [
${commands}
] as const;\n`;

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== module) {
    process.stderr.write('lib/engine/redis/lua.generated.ts is out of date: run `npm run build:lua`.\n');
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, module);
}
