import type { ExportedRun } from '../../core/api/exported-run.types.js';
import { describeValue } from '../../core/checks/describe-value.js';
import { InvalidOptionError } from '../../core/errors/index.js';
import { EXPORT_FORMAT, fromExportedRun, isStepHead } from '../../redis/queries/exported-run.js';
import { RUN_STATUSES } from '../../redis/runs/run-status.js';
import { STEP_KINDS, STEP_STATUSES } from '../../redis/steps/step-codes.js';

type Fields = Readonly<Record<string, unknown>>;
type Check = readonly [isRight: (value: unknown) => boolean, expected: string];

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const oneOf = (values: readonly string[]): Check => [
  (value) => values.includes(value as string),
  `to be one of ${[...new Set(values)].join(', ')}`,
];
const optional = ([isRight, expected]: Check): Check => [(value) => value === undefined || isRight(value), expected];

const TEXT: Check = [(value) => typeof value === 'string' && value !== '', 'to be a string that is not empty'];
const NUMBER: Check = [Number.isSafeInteger, 'to be an integer'];
const OBJECT: Check = [isObject, 'to be an object'];
const TEXTS: Check = [
  (value) => isObject(value) && Object.values(value).every((text) => typeof text === 'string'),
  'to be an object of strings',
];

const RUN: Readonly<Record<string, Check>> = {
  id: TEXT,
  workflow: TEXT,
  queue: TEXT,
  status: oneOf(RUN_STATUSES),
  attempt: NUMBER,
  maxAttempts: NUMBER,
  priority: NUMBER,
  createdAt: NUMBER,
  tags: TEXTS,
  error: optional(OBJECT),
  patches: optional(OBJECT),
};

const STEP: Readonly<Record<string, Check>> = {
  name: TEXT,
  kind: oneOf(Object.values(STEP_KINDS)),
  status: oneOf(Object.values(STEP_STATUSES)),
  stored: [isStepHead, 'to be as it was exported'],
  frame: optional(TEXT),
  childRunId: optional(TEXT),
};

/**
 * The run that was exported, from wherever it comes.
 * @throws InvalidOptionError saying what of it is wrong
 */
export function checkExportedRun(value: unknown): { exported: ExportedRun; data: Map<string, string> } {
  if (typeof value === 'string') throw refusal('exported', 'to be the object; JSON.parse() the text first', value);
  if (!isObject(value)) throw refusal('exported', 'to be a run as client.exportRun() gives it', value);
  const { format, run, steps } = value;
  if (format !== EXPORT_FORMAT) {
    throw refusal('exported.format', `to be '${EXPORT_FORMAT}', which this version of the package reads`, format);
  }
  check(run, 'exported.run', RUN);
  if (!Array.isArray(steps)) throw refusal('exported.steps', 'to be a list', steps);
  for (const [index, step] of steps.entries()) check(step, `exported.steps[${index}]`, STEP);
  check(value, 'exported', { event: optional(OBJECT), judgedInput: optional(OBJECT), notes: optional(TEXTS) });
  const exported = value as unknown as ExportedRun;
  return { exported, data: dataOf(exported) };
}

function check(value: unknown, where: string, checks: Readonly<Record<string, Check>>): void {
  if (!isObject(value)) throw refusal(where, 'to be an object', value);
  for (const [field, [isRight, expected]] of Object.entries(checks)) {
    if (!isRight(value[field])) throw refusal(`${where}.${field}`, expected, value[field]);
  }
}

/** What was framed by hand may be anything. */
function dataOf(exported: ExportedRun): Map<string, string> {
  try {
    return fromExportedRun(exported);
  } catch (error) {
    const expected = 'Expected `exported.steps` to be as they were exported; they cannot be read';
    throw new InvalidOptionError('exported', `${expected}: ${(error as Error).message}`);
  }
}

function refusal(where: string, expected: string, value: unknown): InvalidOptionError {
  return new InvalidOptionError('exported', `Expected \`${where}\` ${expected}; got ${describeValue(value)}`);
}
