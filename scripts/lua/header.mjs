/** What the header of a transition declares, and the local names that come from it. */

/** Names of what every transition can refer to. */
const TAKEN = ['base', 'count', 'ops', 'call', 'now'];

export function readHeader(file, text) {
  const name = file.replaceAll('-', '_');
  const fail = (problem) => {
    throw new Error(`${file}.lua: ${problem}`);
  };
  const header = text.split('\n').filter((line) => line.startsWith('--'));
  if (!header[0]?.startsWith(`-- ${name}: `)) fail(`the header must begin with "-- ${name}: "`);
  const start = header.indexOf('-- ARGS');
  const end = header.findIndex((line) => line.startsWith('-- RETURNS'));
  if (start < 0 || end < start) fail('the header needs "-- ARGS" and "-- RETURNS" lines');
  const args = header
    .slice(start + 1, end)
    .filter((line) => !/^-- {4,}/.test(line))
    .map((line) => /^-- {3}(\.\.\.)?(\w+)/.exec(line) ?? fail(`cannot read "${line}"`))
    .map(([, rest, arg]) => ({ arg, isRest: rest !== undefined }));
  args.forEach(({ arg, isRest }, index) => {
    if (TAKEN.includes(arg)) fail(`argument "${arg}" would hide a name of the prelude`);
    if (isRest && index !== args.length - 1) fail(`"...${arg}" must be the last argument`);
  });
  return {
    name,
    /** As a definition has them. */
    args: args.map(({ arg, isRest }) => (isRest ? `...${arg}` : arg)),
    /** The names that the body has for an argument: a rest is read from the first of two positions to the last. */
    names: new Set(args.flatMap(({ arg, isRest }) => (isRest ? [`${arg}_first`, `${arg}_last`] : [arg]))),
    locals: args.map(({ arg, isRest }, index) =>
      isRest ? `local ${arg}_first, ${arg}_last = base + ${index + 1}, base + count` : `local ${arg} = ARGV[base + ${index + 1}]`,
    ),
    /** What the body must refer to. */
    check(references) {
      for (const { arg, isRest } of args)
        if (!references.has(isRest ? `${arg}_first` : arg)) fail(`argument "${arg}" is declared but never read`);
      if (/\bARGV\[base/.test(text)) fail('arguments are read through their declared names');
    },
  };
}
