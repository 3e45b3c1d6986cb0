import type { OrderWatcher } from './order-watcher.js';

/** Whether an order came out as it should: fulfilled, and charged once, however often the bank was asked. */
export function addsUp({ view }: OrderWatcher): boolean {
  return view?.status === 'succeeded' && view.bank.charges === 1;
}

/** The table at the end of the tour. */
export function summarize(watchers: OrderWatcher[]): string {
  const rows = watchers.map(({ name, story, view }) => [
    name,
    view?.status ?? 'unknown',
    view?.attempt,
    view?.recoveries,
    view?.bank.requests.length,
    view?.bank.charges,
    story,
  ]);
  const table = [['order', 'status', 'attempts', 'recoveries', 'bank asked', 'charged', 'story'], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => String(row[column]).length)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => String(cell).padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
  const verdict = watchers.every(addsUp)
    ? 'Every order succeeded and was charged exactly once.'
    : 'This does not add up: an order did not succeed, or was not charged exactly once.';
  return ['', ...lines, '', verdict].join('\n');
}
