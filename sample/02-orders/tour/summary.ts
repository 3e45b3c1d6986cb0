import type { OrderWatcher } from './order-watcher.js';

/** The table at the end of the tour. */
export function summarize(watchers: OrderWatcher[]): string {
  const rows = watchers.map(({ name, story, view }) => [
    name,
    view?.status ?? 'unknown',
    view?.attempt,
    view?.recoveries,
    view?.bank.charges,
    view?.bank.refunds,
    story,
  ]);
  const table = [['order', 'status', 'attempts', 'recoveries', 'charged', 'refunded', 'story'], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => String(row[column]).length)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => String(cell).padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
  const verdict = watchers.every(({ isAsExpected }) => isAsExpected)
    ? 'Every order came out as it should: nobody was charged twice, and who got nothing has the money back.'
    : 'This does not add up: an order did not come out as it should.';
  return ['', ...lines, '', verdict].join('\n');
}
