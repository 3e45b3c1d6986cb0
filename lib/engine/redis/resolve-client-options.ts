import { checkName, checkPositiveInteger, checkPrefix } from '../core/checks.js';
import type { ClientOptions } from '../core/client.types.js';
import { parsePositiveDuration } from '../core/duration.js';
import { InvalidOptionError } from '../core/errors/index.js';
import { processWarnings } from '../core/process-warnings.js';
import type { LoggerPort } from '../core/values.types.js';
import type { ConnectionSource } from './connection.js';

export const DEFAULT_MAX_PAYLOAD_BYTES = 1024 * 1024;

export interface ResolvedClientOptions extends ConnectionSource {
  readonly app: string;
  readonly prefix: string;
  readonly maxPayloadBytes: number;
  readonly retentionMs: number;
  readonly logger: LoggerPort;
}

export const CLIENT_OPTION_NAMES = [
  'app',
  'url',
  'connection',
  'prefix',
  'maxPayloadBytes',
  'retention',
  'logger',
] as const satisfies ReadonlyArray<keyof ClientOptions>;

const DAY_MS = 86_400_000;

/**
 * Defaults, environment variables and checks of the options that clients and workers share, in one place.
 * @throws InvalidOptionError
 */
export function resolveClientOptions(options: ClientOptions): ResolvedClientOptions {
  const { env } = process;
  const app = options.app ?? env.REDFLOW_APP ?? 'app';
  const prefix = options.prefix ?? env.REDFLOW_PREFIX ?? 'redflow:v1';
  const url = options.url ?? env.REDIS_URL ?? 'redis://127.0.0.1:6379';
  const maxPayloadBytes = options.maxPayloadBytes ?? DEFAULT_MAX_PAYLOAD_BYTES;
  checkName(app, 'app');
  checkPrefix(prefix);
  checkUrl(url);
  checkPositiveInteger(maxPayloadBytes, 'maxPayloadBytes', {});
  return Object.freeze({
    app,
    prefix,
    url,
    connection: options.connection,
    maxPayloadBytes,
    retentionMs:
      options.retention === undefined
        ? daysFromEnv(env.REDFLOW_RUN_RETENTION_DAYS) * DAY_MS
        : parsePositiveDuration(options.retention, 'retention'),
    logger: options.logger ?? processWarnings,
  });
}

function daysFromEnv(text: string | undefined): number {
  if (text === undefined || text === '') return 30;
  const days = Number(text);
  if (Number.isFinite(days) && days > 0) return days;
  throw new InvalidOptionError(
    'REDFLOW_RUN_RETENTION_DAYS',
    `Expected the environment variable REDFLOW_RUN_RETENTION_DAYS to be a number of days above 0; got '${text}'`,
  );
}

function checkUrl(url: unknown): void {
  if (typeof url === 'string' && /^(rediss?|unix):\/\//.test(url) && URL.canParse(url)) return;
  throw new InvalidOptionError('url', 'Expected `url` to be a redis:// or rediss:// address such as redis://127.0.0.1:6379');
}
