import { CronExpressionParser } from 'cron-parser';

/** In the order of an expression with seconds. */
const FIELDS = ['second', 'minute', 'hour', 'dayOfMonth', 'month', 'dayOfWeek'] as const;
type Field = (typeof FIELDS)[number];

/**
 * Writes lists whose items overlap, such as `0,*\/15` and `1-5,5`, without duplicates: crontab(5) allows them, and `cron-parser` does not.
 *
 * @param text five or six fields with single spaces between them
 * @throws Error of the library, for an item that it cannot read
 */
export function withoutDuplicates(text: string): string {
  const fields = text.split(' ');
  const first = FIELDS.length - fields.length;
  return fields.map((field, index) => (field.includes(',') ? distinct(field, FIELDS[first + index]) : field)).join(' ');
}

function distinct(list: string, field: Field): string {
  const items = list.split(',');
  // The library tells what is wrong with the first, and gives the second a meaning of its own.
  if (items.some((item) => item === '' || item.includes('#'))) return list;
  const values = items.flatMap((item) => valuesOf(item, field));
  const different = new Set(values);
  if (different.size === values.length) return list;
  // For a day, every value means another thing than a list of them all does.
  return valuesOf('*', field).every((value) => different.has(value)) ? '*' : [...different].join(',');
}

/** Sunday has one number here. */
function valuesOf(item: string, field: Field): string[] {
  const alone = FIELDS.map((one) => (one === field ? item : '*')).join(' ');
  const values = CronExpressionParser.parse(alone, { tz: 'UTC' }).fields[field].values.map(String);
  return field === 'dayOfWeek' ? [...new Set(values.map((value) => (value === '7' ? '0' : value)))] : values;
}
