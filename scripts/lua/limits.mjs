import { LuaProblem } from './problem.mjs';
import { resolve } from './scopes.mjs';

/** Of Lua 5.1, for each function. */
const MOST_LOCALS = 200;
const MOST_UPVALUES = 60;

/** `origin(line)` answers the source and line that a line of the script comes from. */
export function checkLimits(chunk, origin) {
  for (const { node, mostLocals, upvalues } of resolve(chunk).functions) {
    const name = nameOf(node);
    const { file, line } = origin(node.loc?.start.line ?? 1);
    const refuse = (problem) => {
      throw new LuaProblem(file, line, `${name} ${problem}`);
    };
    if (mostLocals > MOST_LOCALS)
      refuse(
        `has ${mostLocals} local names at once, Lua allows ${MOST_LOCALS}: put functions that belong together into one table, as "blocks".`,
      );
    if (upvalues.size > MOST_UPVALUES)
      refuse(
        `uses ${upvalues.size} names of outside, Lua allows ${MOST_UPVALUES}: split it, or take names that belong together from one table.`,
      );
  }
}

function nameOf({ type, identifier }) {
  if (type === 'Chunk') return 'the script';
  if (!identifier) return 'a function';
  return identifier.type === 'MemberExpression'
    ? `"${identifier.base.name}.${identifier.identifier.name}"`
    : `"${identifier.name}"`;
}
