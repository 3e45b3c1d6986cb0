import type { AdmissionOptions, DebounceOptions, KeyFunction, LimitOptions } from '../api/admission.types.js';
import { checkLimitKey, checkPositiveInteger, rejectUnknownKeys } from '../checks/checks.js';
import { describeValue } from '../checks/describe-value.js';
import { parsePositiveDuration } from '../checks/duration.js';
import { InvalidOptionError } from '../errors/option.errors.js';

export const ADMISSION_KEYS = ['mutex', 'throttle', 'rateLimit', 'debounce'] as const satisfies ReadonlyArray<
  keyof AdmissionOptions
>;

interface Limit {
  readonly limit: number;
  readonly periodMs: number;
}

interface Debounce {
  readonly periodMs: number;
  readonly timeoutMs?: number;
}

/** What the runs of a workflow are subject to. */
export interface AdmissionRules {
  readonly mutex?: KeyFunction;
  readonly throttle?: Limit & { readonly key?: KeyFunction };
  readonly rateLimit?: Limit & { readonly key?: KeyFunction };
  readonly debounce?: Debounce & { readonly key: KeyFunction };
}

/** A limit that one run counts for. */
export type KeyedLimit = Limit & { readonly key: string };

/** What one run is subject to. */
export interface Admission {
  readonly mutex?: string;
  readonly throttle?: KeyedLimit;
  readonly rateLimit?: KeyedLimit;
  readonly debounce?: Debounce & { readonly key: string };
}

/**
 * @returns undefined for a workflow without any of the options
 * @throws InvalidOptionError
 */
export function resolveAdmission({ mutex, throttle, rateLimit, debounce }: AdmissionOptions): AdmissionRules | undefined {
  if ([mutex, throttle, rateLimit, debounce].every((option) => option === undefined)) return undefined;
  return Object.freeze({
    mutex: mutex === undefined ? undefined : checkFunction(mutex, 'mutex'),
    throttle: throttle === undefined ? undefined : resolveLimit(throttle, 'throttle'),
    rateLimit: rateLimit === undefined ? undefined : resolveLimit(rateLimit, 'rateLimit'),
    debounce: debounce === undefined ? undefined : resolveDebounce(debounce),
  });
}

/**
 * Asks the key functions of a workflow for one run.
 *
 * @param input as the handler will see it
 * @returns undefined when nothing applies to it
 * @throws InvalidOptionError when one throws or returns something that is no key
 */
export function admissionOf(rules: AdmissionRules, input: unknown, workflow: string): Admission | undefined {
  const ask = (key: KeyFunction, option: string) => keyOf(key, input, option, workflow);
  const { mutex, debounce } = rules;
  const limited = (rule: AdmissionRules['rateLimit'], option: string): KeyedLimit | undefined => {
    const key = rule && (rule.key ? ask(rule.key, `${option}.key`) : '');
    return rule && key !== undefined ? { limit: rule.limit, periodMs: rule.periodMs, key } : undefined;
  };
  const debounced = debounce && ask(debounce.key, 'debounce.key');
  const admission: Admission = {
    mutex: mutex && ask(mutex, 'mutex'),
    throttle: limited(rules.throttle, 'throttle'),
    rateLimit: limited(rules.rateLimit, 'rateLimit'),
    debounce: debounce && debounced !== undefined ? { ...debounce, key: debounced } : undefined,
  };
  return Object.values(admission).every((part) => part === undefined) ? undefined : admission;
}

function keyOf(key: KeyFunction, input: unknown, option: string, workflow: string): string | undefined {
  let answer: unknown;
  try {
    answer = key(input);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : describeValue(cause);
    throw new InvalidOptionError(option, `\`${option}\` of workflow "${workflow}" threw: ${reason}`, { cause });
  }
  return answer === undefined ? undefined : checkLimitKey(answer, option, workflow);
}

function resolveLimit(given: LimitOptions, option: string): NonNullable<AdmissionRules['rateLimit']> {
  rejectUnknownKeys(given, ['key', 'limit', 'period'], `\`${option}\``);
  const { key, limit, period } = given;
  return Object.freeze({
    key: key === undefined ? undefined : checkFunction(key, `${option}.key`),
    limit: checkPositiveInteger(limit, `${option}.limit`),
    periodMs: parsePositiveDuration(period, `${option}.period`),
  });
}

function resolveDebounce(given: DebounceOptions): NonNullable<AdmissionRules['debounce']> {
  rejectUnknownKeys(given, ['key', 'period', 'timeout'], '`debounce`');
  const { key, period, timeout } = given;
  const periodMs = parsePositiveDuration(period, 'debounce.period');
  const timeoutMs = timeout === undefined ? undefined : parsePositiveDuration(timeout, 'debounce.timeout');
  if (timeoutMs !== undefined && timeoutMs < periodMs) {
    throw new InvalidOptionError(
      'debounce.timeout',
      `Expected \`debounce.timeout\` to be at least \`debounce.period\`; got ${describeValue(timeout)}`,
    );
  }
  return Object.freeze({ key: checkFunction(key, 'debounce.key'), periodMs, timeoutMs });
}

function checkFunction(value: unknown, option: string): KeyFunction {
  if (typeof value === 'function') return value as KeyFunction;
  throw new InvalidOptionError(
    option,
    `Expected \`${option}\` to be a function of the input that returns a key; got ${describeValue(value)}`,
  );
}
