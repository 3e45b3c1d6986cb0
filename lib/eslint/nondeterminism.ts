import type { Origin } from './bindings.js';

/** Why code gives something else when it is executed again. */
export type Nondeterminism = 'clock' | 'timer' | 'random' | 'environment' | 'io' | 'client';

/** Names as `global.member` or `module#member`; `module#` is the module called as a function, `module#*` any of its functions. */
type Names = Partial<Record<Nondeterminism, readonly string[]>>;

const of = (module: string, names: readonly string[]) => names.map((name) => `${module}#${name}`);

const HTTP_METHODS = ['', 'get', 'post', 'put', 'patch', 'delete', 'head', 'options', 'request'];
const DNS = [
  'lookup',
  'lookupService',
  'resolve',
  'resolve4',
  'resolve6',
  'resolveAny',
  'resolveCname',
  'resolveMx',
  'resolveNs',
];
const DNS_RECORDS = ['resolveTxt', 'resolveSrv', 'resolvePtr', 'resolveSoa', 'resolveCaa', 'resolveNaptr', 'reverse'];
const CRYPTO = ['randomUUID', 'randomBytes', 'randomInt', 'randomFill', 'randomFillSync', 'getRandomValues'];
const CRYPTO_KEYS = ['generateKey', 'generateKeySync', 'generateKeyPair', 'generateKeyPairSync'];
const DATE_FNS = [
  'isToday',
  'isTomorrow',
  'isYesterday',
  'isPast',
  'isFuture',
  'formatDistanceToNow',
  'formatDistanceToNowStrict',
];
const DATE_FNS_DAYS = ['startOfToday', 'startOfTomorrow', 'startOfYesterday', 'endOfToday', 'endOfTomorrow', 'endOfYesterday'];

/** Methods of what a constructor injects. */
const ofInjected = (type: string, methods: readonly string[]) => methods.map((method) => `${type}.prototype.${method}`);

const TYPEORM_READS = [
  'find',
  'findBy',
  'findAndCount',
  'findAndCountBy',
  'findOne',
  'findOneBy',
  'findOneOrFail',
  'findOneByOrFail',
];
const TYPEORM_WRITES = [
  'save',
  'insert',
  'update',
  'upsert',
  'delete',
  'remove',
  'softDelete',
  'increment',
  'decrement',
  'clear',
];
const TYPEORM = [...TYPEORM_READS, ...TYPEORM_WRITES, 'count', 'countBy', 'exists', 'existsBy', 'sum', 'query', 'transaction'];
const REDFLOW_QUERIES = [
  'getRun',
  'getRunSteps',
  'getRunAttempts',
  'listRuns',
  'searchRuns',
  'getEvent',
  'listEvents',
  'getStats',
];

/** What gives something else whenever it is called. */
const CALLED: Names = {
  clock: [
    'Date',
    'Date.now',
    'performance.now',
    'process.hrtime',
    'process.hrtime.bigint',
    'process.uptime',
    'AbortSignal.timeout',
    ...['instant', 'plainDateISO', 'plainDateTimeISO', 'plainTimeISO', 'zonedDateTimeISO'].map((name) => `Temporal.Now.${name}`),
    'perf_hooks#performance.now',
    'luxon#DateTime.now',
    ...of('date-fns', [...DATE_FNS, ...DATE_FNS_DAYS]),
  ],
  timer: [
    ...['setTimeout', 'setInterval', 'setImmediate'],
    ...of('timers', ['setTimeout', 'setInterval', 'setImmediate']),
    ...of('timers', ['promises.setTimeout', 'promises.setInterval', 'promises.setImmediate', 'promises.scheduler.wait']),
    'timers/promises#*',
    'delay#',
  ],
  random: [
    'Math.random',
    'crypto.randomUUID',
    'crypto.getRandomValues',
    ...of('crypto', [...CRYPTO, ...CRYPTO_KEYS, 'webcrypto.randomUUID', 'webcrypto.getRandomValues']),
    ...of('uuid', ['v1', 'v4', 'v6', 'v7']),
    ...of('nanoid', ['nanoid', 'random']),
    'nanoid/non-secure#nanoid',
    ...of('ulid', ['', 'ulid']),
    'ulidx#ulid',
    '@paralleldrive/cuid2#createId',
    ...of('cuid', ['', 'cuid']),
  ],
  environment: [
    ...['cwd', 'memoryUsage', 'memoryUsage.rss', 'cpuUsage', 'resourceUsage', 'getuid', 'getgid'].map(
      (name) => `process.${name}`,
    ),
    'os#*',
  ],
  io: [
    'fetch',
    ...['fs#*', 'fs/promises#*', 'fs-extra#*', 'child_process#*'],
    ...['http', 'https'].flatMap((module) => of(module, ['get', 'request'])),
    'http2#connect',
    ...['net', 'tls'].flatMap((module) => of(module, ['connect', 'createConnection'])),
    ...['dns', 'dns/promises'].flatMap((module) => of(module, [...DNS, ...DNS_RECORDS])),
    ...of(
      'dns',
      [...DNS, ...DNS_RECORDS].map((name) => `promises.${name}`),
    ),
    ...['axios', 'got', 'ky', 'superagent'].flatMap((module) => of(module, HTTP_METHODS)),
    ...of('axios', ['postForm', 'putForm', 'patchForm']),
    ...of('got', ['got', ...HTTP_METHODS.slice(1).map((name) => `got.${name}`)]),
    ...of('undici', ['fetch', 'request', 'stream', 'pipeline']),
    ...['node-fetch', 'cross-fetch'].flatMap((module) => of(module, ['', 'fetch'])),
    ...of('execa', ['execa', 'execaSync', 'execaCommand']),
    ...ofInjected('@nestjs/axios#HttpService', [
      ...HTTP_METHODS.slice(1),
      ...HTTP_METHODS.slice(1).map((name) => `axiosRef.${name}`),
    ]),
    ...['Repository', 'EntityManager', 'DataSource'].flatMap((type) => ofInjected(`typeorm#${type}`, TYPEORM)),
    ...ofInjected('bullmq#Queue', ['add', 'addBulk', 'getJob', 'getJobs', 'getJobCounts']),
    ...ofInjected('nestjs-redflow#RedflowClient', REDFLOW_QUERIES),
  ],
  client: ofInjected('nestjs-redflow#RedflowClient', ['run', 'emitEvent', 'triggerSchedule']),
};

/** What gives the present, or a random value, only when it is called without arguments. */
const CALLED_WITHOUT_ARGUMENTS: Names = {
  clock: [
    ...['dayjs', 'moment'].flatMap((module) => of(module, ['', 'utc'])),
    ...of('luxon', ['DateTime.local', 'DateTime.utc']),
  ],
};

const CONSTRUCTED: Names = {
  io: ['WebSocket', 'EventSource', 'XMLHttpRequest', ...of('ws', ['', 'WebSocket'])],
};

const CONSTRUCTED_WITHOUT_ARGUMENTS: Names = {
  clock: ['Date'],
  random: [...of('bson', ['ObjectId']), ...of('mongodb', ['ObjectId']), ...of('mongoose', ['Types.ObjectId'])],
};

/** What differs between the processes that a run gets to. */
const READ: Names = {
  environment: [
    ...['env', 'pid', 'ppid', 'argv', 'execArgv', 'execPath', 'platform', 'arch', 'version', 'versions'].map(
      (name) => `process.${name}`,
    ),
    'import.meta.env',
  ],
};

const index = (names: Names) =>
  new Map(Object.entries(names).flatMap(([kind, list]) => list.map((name) => [name, kind as Nondeterminism] as const)));

const called = index(CALLED);
const calledWithoutArguments = index(CALLED_WITHOUT_ARGUMENTS);
const constructed = index(CONSTRUCTED);
const constructedWithoutArguments = index(CONSTRUCTED_WITHOUT_ARGUMENTS);
const read = index(READ);

/** What is not certain about a call. */
export function ofCall(origin: Origin, argumentCount: number): Nondeterminism | undefined {
  return find(called, origin) ?? (argumentCount === 0 ? find(calledWithoutArguments, origin) : undefined);
}

/** What is not certain about an object that is constructed. */
export function ofConstruction(origin: Origin, argumentCount: number): Nondeterminism | undefined {
  return find(constructed, origin) ?? (argumentCount === 0 ? find(constructedWithoutArguments, origin) : undefined);
}

/** What is not certain about a member that is read. */
export function ofRead(origin: Origin): Nondeterminism | undefined {
  return find(read, origin);
}

function find(names: ReadonlyMap<string, Nondeterminism>, { module, path }: Origin): Nondeterminism | undefined {
  const name = path.join('.');
  return module === undefined ? names.get(name) : (names.get(`${module}#${name}`) ?? names.get(`${module}#*`));
}
