import type { ClientOptions } from '../core/api/client.types.js';
import type { ContextCarrier, LoggerPort, PayloadCodec } from '../core/api/values.types.js';
import { checkName, checkPositiveInteger, checkPrefix, rejectUnknownKeys } from '../core/checks/checks.js';
import { describeValue } from '../core/checks/describe-value.js';
import { parsePositiveDuration } from '../core/checks/duration.js';
import { ErrorClasses } from '../core/errors/error-classes.js';
import { InvalidOptionError } from '../core/errors/index.js';
import { composeInterceptors, type Interceptors } from '../core/interceptors.js';
import { Sealer } from '../core/payload/sealer.js';
import { processWarnings } from '../core/process-warnings.js';
import { checkConnection, checkUrl } from '../redis/connection/check-connection.js';
import type { ConnectionSource } from '../redis/connection/fresh-client.js';
import { isCluster } from '../redis/connection/redis-client.js';
import type { ReplicaWait } from '../redis/script/replica-wait.js';
import { environmentSetting } from './environment-setting.js';

export const DEFAULT_MAX_PAYLOAD_BYTES = 1024 * 1024;

export interface ResolvedClientOptions extends ConnectionSource {
  readonly app: string;
  readonly prefix: string;
  readonly maxPayloadBytes: number;
  readonly retentionMs: number;
  readonly forgetAfterMs: number;
  readonly logger: LoggerPort;
  /** Passes payloads through the codec, if there is one. */
  readonly sealer: Sealer;
  /** Listed for all workflows. */
  readonly errors: ErrorClasses;
  readonly interceptors: Interceptors;
  readonly waitReplicas?: ReplicaWait;
}

export const CLIENT_OPTION_NAMES = [
  'app',
  'url',
  'connection',
  'connectTimeoutMs',
  'giveUpAfterMs',
  'prefix',
  'maxPayloadBytes',
  'codec',
  'errors',
  'context',
  'interceptors',
  'waitReplicas',
  'retention',
  'forgetAfter',
  'logger',
] as const satisfies ReadonlyArray<keyof ClientOptions>;

const DAY_MS = 86_400_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** The longest: a repeat after more than a minute may bring the older input of a debounced run back (`merged_into` in admission.lua). */
const GIVE_UP_AFTER_MS = { standard: 30_000, longest: 50_000 };

/**
 * Defaults, environment variables and checks of the options that clients and workers share, in one place.
 * @throws InvalidOptionError
 */
export function resolveClientOptions(options: ClientOptions): ResolvedClientOptions {
  const { env } = process;
  const app = environmentSetting(options.app, 'REDFLOW_APP', (value) => checkName(value, 'app')) ?? 'app';
  const prefix = environmentSetting(options.prefix, 'REDFLOW_PREFIX', checkPrefix) ?? 'redflow:v1';
  const url = resolveUrl(options);
  const maxPayloadBytes = options.maxPayloadBytes ?? DEFAULT_MAX_PAYLOAD_BYTES;
  checkPositiveInteger(maxPayloadBytes, 'maxPayloadBytes', {});
  checkCodec(options.codec);
  checkContext(options.context);
  const logger = options.logger ?? processWarnings;
  return Object.freeze({
    app,
    prefix,
    url,
    connection: options.connection,
    connectTimeoutMs: checkPositiveInteger(options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS, 'connectTimeoutMs'),
    giveUpAfterMs: checkPositiveInteger(options.giveUpAfterMs ?? GIVE_UP_AFTER_MS.standard, 'giveUpAfterMs', {
      max: GIVE_UP_AFTER_MS.longest,
    }),
    maxPayloadBytes,
    retentionMs:
      options.retention === undefined
        ? daysFromEnv(env.REDFLOW_RUN_RETENTION_DAYS) * DAY_MS
        : parsePositiveDuration(options.retention, 'retention'),
    forgetAfterMs: parsePositiveDuration(options.forgetAfter ?? '7d', 'forgetAfter'),
    logger,
    sealer: new Sealer(options.codec, logger, maxPayloadBytes),
    errors: ErrorClasses.none.with(options.errors, 'the options of the client or worker'),
    interceptors: composeInterceptors(options.interceptors, options.context),
    waitReplicas: options.waitReplicas && resolveReplicaWait(options.waitReplicas, options.connection),
  });
}

/** The address in the environment is not looked at where a connection is given: it may be somebody else's. */
function resolveUrl({ url, connection }: ClientOptions): string {
  if (url !== undefined) checkUrl(url, 'url');
  if (connection !== undefined) checkConnection(connection);
  const { REDIS_URL } = process.env;
  if (url !== undefined || connection !== undefined || REDIS_URL === undefined) return url ?? 'redis://127.0.0.1:6379';
  checkUrl(REDIS_URL, 'REDIS_URL');
  return REDIS_URL;
}

function daysFromEnv(text: string | undefined): number {
  if (text === undefined) return 30;
  const days = Number(text);
  if (text !== '' && Number.isFinite(days) && days > 0) return days;
  throw new InvalidOptionError(
    'REDFLOW_RUN_RETENTION_DAYS',
    `Expected the environment variable REDFLOW_RUN_RETENTION_DAYS to be a number of days above 0; got '${text}'`,
  );
}

function checkCodec(codec: PayloadCodec | undefined): void {
  if (codec === undefined || (typeof codec?.encode === 'function' && typeof codec.decode === 'function')) return;
  throw new InvalidOptionError('codec', `Expected \`codec\` to be { encode(json), decode(stored) }; got ${describeValue(codec)}`);
}

function checkContext(context: ContextCarrier | undefined): void {
  if (context === undefined || (typeof context?.capture === 'function' && typeof context.restore === 'function')) return;
  throw new InvalidOptionError(
    'context',
    `Expected \`context\` to be { capture(), restore(carrier, next) }; got ${describeValue(context)}`,
  );
}

/** The rest of the connection's calls wait behind it. */
const LONGEST_REPLICA_WAIT_MS = 10_000;

function resolveReplicaWait(
  given: NonNullable<ClientOptions['waitReplicas']>,
  connection: ClientOptions['connection'],
): ReplicaWait {
  rejectUnknownKeys(given, ['count', 'timeout'], '`waitReplicas`');
  const count = checkPositiveInteger(given.count, 'waitReplicas.count');
  const timeoutMs = parsePositiveDuration(given.timeout, 'waitReplicas.timeout');
  if (timeoutMs > LONGEST_REPLICA_WAIT_MS) {
    throw new InvalidOptionError(
      'waitReplicas.timeout',
      `Expected \`waitReplicas.timeout\` to be at most ${LONGEST_REPLICA_WAIT_MS} ms; got ${describeValue(given.timeout)}`,
    );
  }
  if (isCluster(connection)) {
    throw new InvalidOptionError(
      'waitReplicas',
      'Expected no `waitReplicas` with a Cluster as `connection`: WAIT names no key, so it may ask another node than the one that wrote',
    );
  }
  return Object.freeze({ count, timeoutMs });
}
