/**
 * What is stored under short names and letters, which keep hashes compact. TypeScript reads these tables, and so does the build of the Lua
 * sources: there `RUN.workflow` is the field 'wf', `run.workflow` its place in what HMGET has answered, and `STATUS.queued` the letter 'q'. A
 * name that is in no table is refused by the build.
 */

/** Fields of a run's hash of which its record is made. */
export const RUN_FIELDS = {
  workflow: 'wf',
  queue: 'q',
  priority: 'pr',
  failures: 'n',
  maxAttempts: 'ma',
  recoveries: 'rc',
  recoveryStreak: 'rs',
  /** When it was created: µs, unique. */
  stamp: 'cs',
  /** The same for the run of a failure hook, which is in no list. */
  hookStamp: 'hs',
  availableAt: 'av',
  startedAt: 'sa',
  version: 've',
  judgedByVersion: 'jv',
  tags: 'tg',
  trigger: 'tr',
  parentRunId: 'pa',
  parentStep: 'ps',
  rootRunId: 'ro',
  eventId: 'ei',
  scheduleId: 'si',
  scheduledFor: 'sn',
  /** On the run of a subscriber whose filter is yet to be asked. */
  unjudged: 'fc',
  /** On a run whose creator did not know the options of its workflow. */
  unadmitted: 'uk',
  idempotencyKey: 'ik',
  handBacks: 'hb',
  status: 'st',
  finishedAt: 'fa',
  workerId: 'w',
  claimedAt: 'ca',
  cancelRequestedAt: 'cr',
  hookStatus: 'fh',
  hookOf: 'hk',
  unwinding: 'co',
  compensable: 'cp',
  blockedBy: 'bl',
  blockedAt: 'ba',
  blockedMs: 'bt',
} as const;

/** Those that only scripts read. */
const INNER_RUN_FIELDS = {
  /** Of the last claim: grows with each. */
  fence: 'f',
  /** Of the call that created it. */
  createNonce: 'no',
  /** Set while somebody awaits its end. */
  awaited: 'nw',
  /** Set once it waited for an event. */
  listened: 'ls',
  cancelNonce: 'cn',
  /** Set when its cancellation wants no compensation. */
  uncompensated: 'nc',
  /** Run of its failure hook. */
  hookRunId: 'hi',
  /** When its retention began, if not with its end. */
  retainedFrom: 'rb',
  /** Entries in `ended` or `packed` that a retry has left behind. */
  staleEntries: 'se',
  /** Bytes of the input and headers that it was created with, where they are many. */
  largeBytes: 'lg',
  /** Number of the pieces, in fields 1, 2, …, into which its data and passes are packed since it ended. */
  pieces: 'z',
  mutex: 'mx',
  /** `<limit>,<periodMs>,<key>`. */
  throttle: 'th',
  /** Letters of the gates of which it holds something. */
  held: 'hg',
  /** The first of those that it holds for a start still to come. */
  heldForStart: 'hd',
  retryNonce: 'rn',
  resumeNonce: 'bn',
  /** On a run that was put aside before it began. */
  putAside: 'nb',
  /** The deployment that it is reserved for, behind \x01 if it is only kept for it. */
  reservedFor: 'on',
  /** Set when `ctx.patched()` has answered in it. */
  patched: 'pd',
  /** Its debounce key, and the time of the first create, while it is pending. */
  debounceKey: 'db',
  debouncedAt: 'df',
} as const;

/** Of a run. Waits, which others can end, and backoffs have a letter each. */
export const STATUS_CODES = {
  scheduled: 'd',
  queued: 'q',
  running: 'r',
  waiting: 'w',
  backingOff: 'b',
  succeeded: 's',
  failed: 'f',
  canceled: 'c',
} as const;

/** Of a step. */
export const STEP_KIND_CODES = {
  run: 'r',
  /** One that has a compensation, completed, and one whose outcome is unknown. */
  undoable: 'v',
  unknown: 'u',
  sleep: 's',
  child: 'c',
  emittedChild: 'm',
  event: 'e',
  emittedEvent: 'n',
  any: 'a',
} as const;

/** Of a step: see `StoredStep`. */
export const STEP_STATUS_CODES = {
  running: 'r',
  waiting: 'w',
  succeeded: 's',
  failed: 'f',
  /** Failed, and to happen again. */
  reopened: 'x',
  /** An outcome from outside that the run is yet to be told: a value, or an error, which keeps its letter. */
  fulfilled: 'd',
  rejected: 'k',
} as const;

/** Errors that scripts write, by their classes. In the Lua sources `ERROR.RunCanceledError` is the JSON of one up to its message. */
const ERROR_CODES = {
  IdempotencyConflictError: 'IDEMPOTENCY_CONFLICT',
  RateLimitedError: 'RATE_LIMITED',
  RunCanceledError: 'RUN_CANCELED',
  RunNotFoundError: 'RUN_NOT_FOUND',
} as const;

/** Of an event's hash. */
const EVENT_FIELDS = {
  name: 'n',
  ts: 't',
  correlationKey: 'k',
  stamp: 's',
  data: 'd',
  /** Headers of its emission. */
  headers: 'x',
  nonce: 'no',
  fanOutStatus: 'fs',
  subscribers: 'sc',
  delivered: 'dc',
  failed: 'fc',
  resumed: 'rc',
} as const;

/** Of a schedule's hash. */
const SCHEDULE_FIELDS = {
  workflow: 'wf',
  expression: 'ex',
  zone: 'tz',
  misfire: 'mi',
  input: 'ip',
  /** The next instant; missing until a worker has computed it. */
  next: 'nx',
  /** The last instant fired. */
  last: 'la',
  /** Set while paused. */
  paused: 'pa',
} as const;

/** What the Lua sources know these tables by. */
export const LUA_TABLES = {
  RUN: { ...RUN_FIELDS, ...INNER_RUN_FIELDS },
  EVENT: EVENT_FIELDS,
  SCHEDULE: SCHEDULE_FIELDS,
  STATUS: STATUS_CODES,
  STEP_KIND: STEP_KIND_CODES,
  STEP_STATUS: STEP_STATUS_CODES,
  ERROR: ERROR_CODES,
} as const;
