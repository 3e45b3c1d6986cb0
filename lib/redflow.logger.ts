import { Logger } from '@nestjs/common';
import type { LoggerPort } from './engine/index.js';

/** Writes the engine's lines with Nest's `Logger` under the context `Redflow`, their fields appended as `key=value`. */
export class NestLoggerAdapter implements LoggerPort {
  private readonly logger = new Logger('Redflow');

  log(message: string, fields?: object): void {
    this.logger.log(withFields(message, fields));
  }

  warn(message: string, fields?: object): void {
    this.logger.warn(withFields(message, fields));
  }

  error(message: string, fields?: object): void {
    const line = withFields(message, fields);
    const stack = Object.values(fields ?? {}).find((value) => value instanceof Error)?.stack;
    if (stack === undefined) this.logger.error(line);
    else this.logger.error(line, stack);
  }

  debug(message: string, fields?: object): void {
    this.logger.debug(withFields(message, fields));
  }
}

/** An error that the message tells already is left out: its stack is what it is there for. */
function withFields(message: string, fields: object = {}): string {
  const written = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .filter(([, value]) => !(value instanceof Error && message.endsWith(`${value.name}: ${value.message}`)))
    .map(([key, value]) => `${key}=${format(value)}`);
  return [message, ...written].join(' ');
}

/** Bare when it is one word, quoted otherwise, so that a line can be taken apart again. */
function format(value: unknown): string {
  const text = value instanceof Error ? `${value.name}: ${value.message}` : value;
  if (typeof text === 'string') return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
  if (typeof text !== 'object' || text === null) return String(text);
  try {
    return JSON.stringify(text);
  } catch {
    return String(text);
  }
}
