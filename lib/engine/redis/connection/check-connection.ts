import type { RedisOptions } from 'ioredis';
import { closeMatches } from '../../core/checks/close-matches.js';
import { describeValue } from '../../core/checks/describe-value.js';
import { InvalidOptionError } from '../../core/errors/index.js';
import { isClient, isCluster, type RedisClient } from './redis-client.js';

// A record rather than a list: the compiler asks for a key here when ioredis gains an option.
const OPTIONS_OF_IOREDIS: Record<keyof RedisOptions, true> = {
  autoPipeliningIgnoredCommands: true,
  autoResendUnfulfilledCommands: true,
  autoResubscribe: true,
  blockingTimeout: true,
  blockingTimeoutGrace: true,
  clientInfoTag: true,
  commandQueue: true,
  commandTimeout: true,
  connectionName: true,
  Connector: true,
  connectTimeout: true,
  db: true,
  disableClientInfo: true,
  disconnectTimeout: true,
  enableAutoPipelining: true,
  enableOfflineQueue: true,
  enableReadyCheck: true,
  enableTLSForSentinelMode: true,
  failoverDetector: true,
  family: true,
  himportFieldsets: true,
  host: true,
  keepAlive: true,
  keyPrefix: true,
  lazyConnect: true,
  maxLoadingRetryTime: true,
  maxRetriesPerRequest: true,
  monitor: true,
  name: true,
  natMap: true,
  noDelay: true,
  offlineQueue: true,
  password: true,
  path: true,
  port: true,
  preferredSlaves: true,
  protocol: true,
  readOnly: true,
  reconnectOnError: true,
  replyMapping: true,
  retryStrategy: true,
  role: true,
  scripts: true,
  sentinelCommandTimeout: true,
  sentinelMaxConnections: true,
  sentinelPassword: true,
  sentinelReconnectStrategy: true,
  sentinelRetryStrategy: true,
  sentinels: true,
  sentinelTLS: true,
  sentinelUsername: true,
  showFriendlyErrorStack: true,
  socketTimeout: true,
  stringNumbers: true,
  tls: true,
  updateSentinels: true,
  username: true,
};

const AS_CLUSTER = 'A Redis Cluster is `connection: new Cluster([{ host, port }])`, with Cluster of ioredis.';
const AS_ADDRESS = 'An address is the option `url`, in place of `connection`.';

/** Options of other packages, and what is written instead. */
const MEANT: Readonly<Record<string, string>> = {
  url: AS_ADDRESS,
  uri: AS_ADDRESS,
  nodes: AS_CLUSTER,
  rootNodes: AS_CLUSTER,
  startupNodes: AS_CLUSTER,
  cluster: AS_CLUSTER,
  clusterNodes: AS_CLUSTER,
  redisOptions: AS_CLUSTER,
  socket: 'Write `host` and `port` without `socket`.',
  hostname: 'Write `host`.',
  database: 'Write `db`.',
  user: 'Write `username`.',
  pass: 'Write `password`.',
  auth: 'Write `username` and `password`.',
  ssl: 'Write `tls: {}`.',
  prefix: 'Write `prefix` beside `connection`, not inside of it.',
};

const NO_WRITES = 'runs are written, and this connection could only read. Leave it out.';
const OTHER_REPLIES = 'it changes the replies of Redis, and its scripts are understood in their own form only. Leave it out.';

/** Options that ioredis takes and the engine cannot work with: when they are set, and why. */
const REFUSED: Readonly<Record<string, readonly [isSet: (value: unknown) => boolean, reason: string]>> = {
  keyPrefix: [
    Boolean,
    'ioredis puts it before some keys and not before others. The option `prefix` beside `connection` does it.',
  ],
  stringNumbers: [Boolean, OTHER_REPLIES],
  replyMapping: [(value) => Boolean(value) && value !== 'legacy', OTHER_REPLIES],
  monitor: [Boolean, 'it makes a connection that can do nothing else. Leave it out.'],
  readOnly: [Boolean, NO_WRITES],
  role: [(value) => Boolean(value) && value !== 'master', NO_WRITES],
  scaleReads: [
    (value) => Boolean(value) && value !== 'master',
    'a replica may not have yet what was written a moment ago, and a step that is not found is executed again. Leave it out.',
  ],
};

/**
 * Refuses what ioredis would take for something else, mostly for localhost, and what the engine cannot work with.
 * @throws InvalidOptionError that says what to write; never with a value that may hold a password
 */
export function checkConnection(connection: unknown): void {
  if (isClient(connection)) checkClient(connection);
  else checkGiven(connection);
}

function checkGiven(connection: unknown): void {
  if (typeof connection !== 'object' || connection === null || Array.isArray(connection)) {
    const hint = typeof connection === 'string' ? AS_ADDRESS : Array.isArray(connection) ? AS_CLUSTER : '';
    refuse('connection', `a client or cluster of ioredis, or options to make a client; got ${kindOf(connection)}. ${hint}`);
  }
  if (typeof (connection as { sendCommand?: unknown }).sendCommand === 'function') {
    refuse('connection', 'a client of ioredis; got one of another package. Give its address as `url` instead.');
  }
  checkOptions(connection);
}

function checkClient(client: RedisClient): void {
  const { options } = client as { options?: object };
  refuseOptions(options, 'options');
  if (isCluster(client)) refuseOptions((options as { redisOptions?: object }).redisOptions, 'options.redisOptions');
}

function checkOptions(given: object): void {
  for (const key of Object.keys(given)) if (!Object.hasOwn(OPTIONS_OF_IOREDIS, key)) refuseUnknown(key);
  refuseOptions(given);
  const { host, port, db, path, sentinels, name } = given as Record<string, unknown>;
  if (host !== undefined) checkHost(host, 'connection.host');
  if (port !== undefined) checkNumber(port, 'port', 1, 65_535);
  if (db !== undefined) checkNumber(db, 'db', 0, Number.MAX_SAFE_INTEGER);
  if (path !== undefined && path !== null && (typeof path !== 'string' || path === '')) {
    refuse('connection.path', `the path of a socket; got ${describeValue(path)}`);
  }
  if (sentinels !== undefined && sentinels !== null) checkSentinels(sentinels, name);
}

function checkHost(host: unknown, option: string): void {
  if (typeof host !== 'string' || host === '') refuse(option, `a host name or an IP address; got ${describeValue(host)}`);
  if (host.includes('://')) refuse(option, `a host name or an IP address; got an address with a scheme. ${AS_ADDRESS}`);
  if (/^[^:]*:\d+$/.test(host)) refuse(option, 'a host name or an IP address, without a port. The option `port` has it.');
}

/** ioredis takes a number as text, too. */
function checkNumber(value: unknown, name: string, min: number, max: number): void {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (Number.isSafeInteger(number) && (number as number) >= min && (number as number) <= max) return;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  refuse(`connection.${name}`, `an integer ${range}; got ${describeValue(value)}`);
}

function checkSentinels(sentinels: unknown, name: unknown): void {
  if (!Array.isArray(sentinels) || sentinels.length === 0 || sentinels.some((one) => typeof one?.host !== 'string')) {
    refuse('connection.sentinels', 'a list of at least one { host, port }');
  }
  for (const { host } of sentinels) checkHost(host, 'connection.sentinels');
  if (typeof name !== 'string' || name === '') {
    refuse('connection.name', 'the name under which the Sentinels watch the primary, such as "mymaster"');
  }
}

function refuseOptions(options: object | undefined, of = ''): void {
  for (const [name, [isSet, reason]] of Object.entries(REFUSED)) {
    if (!isSet((options as Record<string, unknown> | undefined)?.[name])) continue;
    const option = ['connection', of, name].filter((part) => part !== '').join('.');
    throw new InvalidOptionError(option, `\`${option}\` cannot be used: ${reason}`);
  }
}

function refuseUnknown(key: string): never {
  const [match] = closeMatches(key, Object.keys(OPTIONS_OF_IOREDIS));
  const hint = MEANT[key] ?? (match === undefined ? '' : `Did you mean '${match}'?`);
  throw new InvalidOptionError(
    `connection.${key}`,
    `Unsupported option ${describeValue(key)} of \`connection\`, which takes the options of ioredis. ${hint}`.trim(),
  );
}

/**
 * @param option where it comes from, in the words of the message
 * @throws InvalidOptionError; never with the address, which may hold a password
 */
export function checkUrl(url: unknown, option: 'url' | 'REDIS_URL'): void {
  const what = option === 'url' ? '`url`' : 'the environment variable REDIS_URL';
  const fail = (expected: string): never => {
    throw new InvalidOptionError(option, `Expected ${what} to be ${expected}`);
  };
  const standard = 'a redis:// or rediss:// address such as redis://127.0.0.1:6379';
  if (url === '') fail(`${standard}; it is empty. Remove it to use that one`);
  if (typeof url !== 'string' || !/^(rediss?|unix):\/\//.test(url)) fail(standard);
  if (!URL.canParse(url as string)) {
    fail(`${standard}; it is no valid one. Characters such as # / ? @ in a password are written with encodeURIComponent()`);
  }
  const { protocol, hostname, pathname, searchParams } = new URL(url as string);
  for (const key of searchParams.keys()) checkParameter(key, option);
  if (protocol === 'unix:') return;
  if (hostname === '') fail(`${standard}; it names no host. The socket of a Unix domain is unix:///run/redis.sock`);
  if (!/^\/?\d*$/.test(pathname)) fail('an address whose path is the number of a database, such as redis://127.0.0.1:6379/2');
}

/** ioredis takes options from the address as well. */
function checkParameter(key: string, option: string): void {
  const refused = Object.hasOwn(REFUSED, key) ? REFUSED[key][1] : undefined;
  if (refused === undefined && Object.hasOwn(OPTIONS_OF_IOREDIS, key)) return;
  const reason = refused ?? 'ioredis has no such option.';
  throw new InvalidOptionError(option, `The parameter ${describeValue(key)} of \`${option}\` cannot be used: ${reason}`);
}

function refuse(option: string, expected: string): never {
  throw new InvalidOptionError(option, `Expected \`${option}\` to be ${expected}`.trim());
}

/** Without the value, which may be an address with a password. */
function kindOf(value: unknown): string {
  return typeof value === 'string' ? 'a string' : describeValue(value);
}
