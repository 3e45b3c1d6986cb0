/** Of which ACLs know the parts. */
const CONTAINERS = ['MEMORY', 'OBJECT'];

/**
 * The commands that the script uses, for the self-test of a boot: a command that is refused half-way leaves a transition half-written.
 * So each call names its command, or takes it from a variable that is either of two commands.
 */
export function commandsIn(script) {
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
