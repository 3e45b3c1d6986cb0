import luaparse from 'luaparse';
import { LuaProblem } from './problem.mjs';

/** The syntax tree of a source, in the dialect of Redis. */
export function parse(file, text) {
  try {
    return luaparse.parse(text, { luaVersion: '5.1', locations: true, ranges: true, comments: true });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new LuaProblem(file, error.line, `${error.message.replace(/^\[\d+:\d+\] /, '')}: correct the syntax.`);
  }
}
