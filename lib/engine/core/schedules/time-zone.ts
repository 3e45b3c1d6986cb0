/** A change of the offset: the clock of the zone is put forward or back. */
export interface Transition {
  /** The first instant of the new offset. */
  readonly at: number;
  /** Local times from `from` on and before `to` do not exist when the clock goes forward, and exist twice when it goes back. */
  readonly from: number;
  readonly to: number;
}

/** What a local time means: one instant, two when the clock is put back over it, none when it is put forward. */
export interface LocalMeaning {
  /** In their order. */
  readonly instants: readonly number[];
  /** The change that made them two or none. */
  readonly transition?: Transition;
}

const DAY_MS = 86_400_000;
const UTC_NAMES = new Set(['UTC', 'ETC/UTC', 'GMT', 'ETC/GMT']);

/**
 * Local times of an IANA zone, as the `Intl` of the runtime knows it. A local time is written as the epoch ms at which a clock of
 * UTC would show it.
 */
export class TimeZone {
  private readonly format: Intl.DateTimeFormat | undefined;

  /** @throws RangeError when the runtime does not know the zone */
  constructor(readonly name: string) {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    this.format = UTC_NAMES.has(name.toUpperCase()) ? undefined : format;
  }

  localOf(instant: number): number {
    return instant + this.offsetAt(instant);
  }

  meaningOf(local: number): LocalMeaning {
    if (!this.format) return { instants: [local] };
    // No offset is as large as a day, and no zone changes its clock twice in two days.
    const before = this.offsetAt(local - DAY_MS);
    const after = this.offsetAt(local + DAY_MS);
    if (before === after) return { instants: [local - before] };
    const at = this.transitionBetween(local - DAY_MS, local + DAY_MS, before);
    const from = at + Math.min(before, after);
    const to = at + Math.max(before, after);
    if (local < from) return { instants: [local - before] };
    if (local >= to) return { instants: [local - after] };
    const transition = { at, from, to };
    return { instants: before < after ? [] : [local - before, local - after], transition };
  }

  private offsetAt(instant: number): number {
    if (!this.format) return 0;
    const second = Math.floor(instant / 1_000) * 1_000;
    const parts: Record<string, number> = {};
    for (const { type, value } of this.format.formatToParts(second)) parts[type] = Number(value);
    return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - second;
  }

  /** The first whole second at which the offset is no longer `before`. */
  private transitionBetween(start: number, end: number, before: number): number {
    let last = Math.floor(start / 1_000);
    let first = Math.ceil(end / 1_000);
    while (first - last > 1) {
      const middle = Math.floor((last + first) / 2);
      if (this.offsetAt(middle * 1_000) === before) last = middle;
      else first = middle;
    }
    return first * 1_000;
  }
}
