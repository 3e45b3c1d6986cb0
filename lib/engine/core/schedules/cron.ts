import { type CronExpression, CronExpressionParser } from 'cron-parser';
import { describeValue } from '../checks/describe-value.js';
import { InvalidOptionError } from '../errors/option.errors.js';
import { withoutDuplicates } from './cron-fields.js';
import { TimeZone } from './time-zone.js';

/** The instants of a cron expression in a zone, all in epoch ms. */
export interface Cron {
  /** As given, with single spaces. */
  readonly expression: string;
  readonly timezone: string;
  /** The first instant after `instant`. */
  next(instant: number): number;
  /** The last instant that is not after `instant`; costs the same however dense the schedule is. */
  latest(instant: number): number;
}

const HOURS_A_DAY = 24;

/**
 * Reads a cron expression of 5 fields, or 6 with seconds first.
 *
 * Days on which the clock changes: a local time that does not exist fires at the first instant after the gap, and several of them
 * once; one that exists twice fires the first time. An expression for every hour (`*`) ticks in real time instead: in both
 * hours, and not for those that do not exist.
 *
 * @throws InvalidOptionError for a wrong expression, one that never fires, and a zone that the runtime does not know
 */
export function parseCron(expression: unknown, timezone: unknown): Cron {
  const text = normalised(expression);
  const zone = zoneOf(timezone);
  const fields = fieldsOf(text);
  const instants =
    fields.fields.hour.values.length === HOURS_A_DAY ? new HourlyInstants(fields, zone) : new DailyInstants(fields, zone);
  return Object.freeze({
    expression: text,
    timezone: zone.name,
    next: (instant: number) => instants.next(instant),
    latest: (instant: number) => instants.latest(instant),
  });
}

/**
 * Local times that match. The library is asked about UTC only, where no clock changes: in other zones its `next()` and `prev()`
 * disagree on such days, and gaps of half an hour confuse it.
 */
abstract class Instants {
  constructor(
    private readonly expression: CronExpression,
    protected readonly zone: TimeZone,
  ) {}

  abstract next(instant: number): number;
  abstract latest(instant: number): number;

  /** The first match after a local time. */
  protected after(local: number): number {
    this.expression.reset(new Date(local));
    return this.expression.next().getTime();
  }

  /** The last match before a local time. */
  protected before(local: number): number {
    this.expression.reset(new Date(local));
    return this.expression.prev().getTime();
  }
}

/** One instant for each local time that matches; later local times never have earlier instants. */
class DailyInstants extends Instants {
  next(instant: number): number {
    const local = this.zone.localOf(instant);
    const { transition } = this.zone.meaningOf(local);
    // In the second of two equal hours: what matches there has fired in the first.
    if (transition && instant >= transition.at) return this.instantOf(this.after(transition.to - 1));
    return this.instantOf(this.after(local));
  }

  latest(instant: number): number {
    const local = this.zone.localOf(instant);
    const { transition } = this.zone.meaningOf(local);
    const isRepeated = transition && instant >= transition.at;
    return this.instantOf(this.before(isRepeated ? transition.to : local + 1));
  }

  private instantOf(local: number): number {
    const { instants, transition } = this.zone.meaningOf(local);
    return instants[0] ?? (transition?.at as number);
  }
}

/** Every instant whose local time matches. */
class HourlyInstants extends Instants {
  next(instant: number): number {
    const local = this.zone.localOf(instant);
    const { transition } = this.zone.meaningOf(local);
    let match = this.after(local);
    // In the first of two equal hours: when no match is left in it, the second begins.
    if (transition && instant < transition.at && match >= transition.to) match = this.after(transition.from - 1);
    for (;;) {
      const meaning = this.zone.meaningOf(match);
      const found = meaning.instants.find((one) => one > instant);
      if (found !== undefined) return found;
      match = this.after((meaning.transition?.to as number) - 1);
    }
  }

  latest(instant: number): number {
    const local = this.zone.localOf(instant);
    const { transition } = this.zone.meaningOf(local);
    let match = this.before(local + 1);
    if (transition && instant >= transition.at && match < transition.from) match = this.before(transition.to);
    for (;;) {
      const meaning = this.zone.meaningOf(match);
      const found = meaning.instants.findLast((one) => one <= instant);
      if (found !== undefined) return found;
      match = this.before(meaning.transition?.from as number);
    }
  }
}

function normalised(expression: unknown): string {
  if (typeof expression !== 'string') return refuse(expression, 'is no text');
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) return refuse(expression, `has ${fields[0] === '' ? 0 : fields.length} fields`);
  // The library would roll dice, and every process others.
  if (fields.some((field) => /^H/i.test(field)))
    return refuse(expression, 'has a random field (H), which every worker would read differently');
  return fields.join(' ');
}

function fieldsOf(text: string): CronExpression {
  try {
    return CronExpressionParser.parse(withoutDuplicates(text), { tz: 'UTC', currentDate: new Date(0) });
  } catch (error) {
    return refuse(text, `cannot be read (${(error as Error).message})`);
  }
}

function zoneOf(timezone: unknown): TimeZone {
  try {
    // An offset is no zone, and only some runtimes take it for one.
    if (typeof timezone === 'string' && /^[a-z]/i.test(timezone)) return new TimeZone(timezone);
  } catch {
    // Told below.
  }
  throw new InvalidOptionError(
    'timezone',
    `Expected \`timezone\` to be an IANA zone that this runtime knows, such as 'Europe/Berlin'; got ${describeValue(timezone)}`,
  );
}

function refuse(expression: unknown, problem: string): never {
  throw new InvalidOptionError(
    'expression',
    "Expected `expression` to be a cron expression of 5 fields, or 6 with seconds first, such as '0 9 * * 1-5'; " +
      `${describeValue(expression)} ${problem}`,
  );
}
