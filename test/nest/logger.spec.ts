import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConsoleLogger, Logger, type LoggerService } from '@nestjs/common';
import { NestLoggerAdapter } from '../../lib/redflow.logger.js';

const lines: unknown[][] = [];
const record =
  (level: string) =>
  (...line: unknown[]) =>
    lines.push([level, ...line]);
const recorder: LoggerService = { log: record('log'), warn: record('warn'), error: record('error'), debug: record('debug') };

describe('NestLoggerAdapter', () => {
  beforeEach(() => {
    lines.length = 0;
    Logger.overrideLogger(recorder);
  });
  afterEach(() => Logger.overrideLogger(new ConsoleLogger()));

  it('writes under the context Redflow, fields as key=value', () => {
    const logger = new NestLoggerAdapter();
    logger.log('Run started.', { run: 'r1', attempt: 2, step: 'charge card', missing: undefined, tags: { a: 'b' } });
    logger.warn('Slow.');
    logger.debug('Idle.', { empty: '' });
    expect(lines).toEqual([
      ['log', 'Run started. run=r1 attempt=2 step="charge card" tags={"a":"b"}', 'Redflow'],
      ['warn', 'Slow.', 'Redflow'],
      ['debug', 'Idle. empty=""', 'Redflow'],
    ]);
  });

  it('hands the stack of an error over', () => {
    const error = new TypeError('no route');
    new NestLoggerAdapter().error('Run failed.', { run: 'r1', error });
    expect(lines).toEqual([['error', 'Run failed. run=r1 error="TypeError: no route"', error.stack, 'Redflow']]);
  });
});
