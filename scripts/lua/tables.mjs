/** `declared` is LUA_TABLES of lib/engine/redis/stored-names.ts; of an error the JSON up to its message stands in for its name. */
export const tablesOf = (declared) => ({
  ...declared,
  ERROR: Object.fromEntries(
    Object.entries(declared.ERROR).map(([name, code]) => [name, `{"name":"${name}","code":"${code}","message":`]),
  ),
});

/** Those of them that are fields of a hash. */
export const FIELDS = ['RUN', 'EVENT', 'SCHEDULE'];

/** Functions of the prelude that answer the key of a hash, and the table of its fields. */
export const TABLE_OF_KEY = { run_key: 'RUN', event_key: 'EVENT', schedule_key: 'SCHEDULE' };

/** Where the arguments of a command that follow its key are fields: every so many, from the first; or only the first. */
const STEP_OF_FIELDS = { HMGET: 1, HDEL: 1, HSET: 2 };
const FIRST_IS_FIELD = ['HGET', 'HEXISTS', 'HINCRBY', 'HSETNX', 'HSTRLEN'];

/** Of `call('HSET', key, field, value)`: the command, the key, and the arguments that are fields. Undefined for another call. */
export function hashCall(node) {
  if (node.type !== 'CallExpression' || node.base.name !== 'call' || node.arguments[0]?.type !== 'StringLiteral')
    return undefined;
  const command = textOf(node.arguments[0]);
  const [, key, ...rest] = node.arguments;
  const step = STEP_OF_FIELDS[command];
  if (step) return { command, key, fields: rest.filter((_, index) => index % step === 0) };
  return FIRST_IS_FIELD.includes(command) ? { command, key, fields: rest.slice(0, 1) } : undefined;
}

export const textOf = ({ raw }) => raw.slice(1, -1);
