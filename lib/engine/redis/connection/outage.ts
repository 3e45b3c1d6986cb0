import type { LoggerPort } from '../../core/api/values.types.js';

/** Shorter trouble, a failover that works for instance, is nothing to tell. */
const WARN_AFTER_MS = 1_000;

/** What is logged of trouble that lasts. */
export interface OutageWords {
  lasts(reason: string): string;
  isOver(lastedMs: number): string;
}

/** Warns once when something goes on failing, and once when that is over. */
export class Outage {
  private since: number | undefined;
  private warned = false;

  constructor(
    private readonly logger: LoggerPort,
    private readonly words: OutageWords,
  ) {}

  /** From the first failure to the next success. */
  get isOn(): boolean {
    return this.since !== undefined;
  }

  /** It failed, and is tried again. */
  failed(error: unknown): void {
    const now = performance.now();
    this.since ??= now;
    if (this.warned || now - this.since < WARN_AFTER_MS) return;
    this.warned = true;
    this.logger.warn(this.words.lasts(reasonOf(error)));
  }

  /** It works, as nearly always. */
  over(): void {
    if (this.since === undefined) return;
    if (this.warned) this.logger.warn(this.words.isOver(performance.now() - this.since));
    this.since = undefined;
    this.warned = false;
  }
}

/** What the server or the socket said. */
export function reasonOf(error: unknown): string {
  const { message, code, name, cause } = error as NodeJS.ErrnoException & { cause?: unknown };
  // Of a connection that could not be opened, the first cause: what is around it names the address, which the caller does, too.
  if (code === 'CONNECTION' && cause !== undefined) return reasonOf(cause);
  return message || code || name;
}
