import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ConsoleLogger, Injectable, Logger, type LoggerService, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { currentRun, RedflowClient, RedflowModule, Step, Workflow, type WorkflowContext } from '../../../lib/index.js';
import { NestLoggerAdapter } from '../../../lib/redflow.logger.js';
import { connection } from '../fixtures.js';

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

  it('does not say twice what the message ends with', () => {
    const error = new TypeError('no route');
    new NestLoggerAdapter().error('The run failed: TypeError: no route', { runId: 'r1', error });
    expect(lines).toEqual([['error', 'The run failed: TypeError: no route runId=r1', error.stack, 'Redflow']]);
  });
});

@Injectable()
class Mails {
  private readonly logger = new Logger('Mails');

  @Step({ compensate: () => new Logger('Mails').log('undoing') })
  async send(): Promise<void> {
    this.logger.log('sending');
  }
}

@Workflow({ name: 'letter', maxAttempts: 2, retries: { delay: 1 } })
class LetterWorkflow {
  constructor(private readonly mails: Mails) {}

  async run(ctx: WorkflowContext<void>): Promise<void> {
    if (ctx.run.attempt === 1) throw new RangeError('not yet');
    await ctx.step.run('greet', () => ctx.logger.log('Hello.', { to: 'Ada' }));
    await this.mails.send();
    throw new TypeError('no stamp');
  }
}

/** What the recipe has: the run in every line that is written inside of one. */
class RunLogger extends ConsoleLogger {
  protected override getJsonLogObject(message: unknown, options: Parameters<ConsoleLogger['getJsonLogObject']>[1]) {
    const { id, workflow } = currentRun()?.run ?? {};
    return { ...super.getJsonLogObject(message, options), runId: id, workflow };
  }
}

describe('the logger of an application', () => {
  afterEach(() => {
    jest.restoreAllMocks();
    Logger.overrideLogger(new ConsoleLogger());
  });

  it('gets the lines of runs as JSON, those of the boot too, with the run and with stacks', async () => {
    const written: Array<Record<string, unknown>> = [];
    const capture = (text: unknown) => written.push(JSON.parse(String(text))) > 0;
    jest.spyOn(process.stdout, 'write').mockImplementation(capture);
    jest.spyOn(process.stderr, 'write').mockImplementation(capture);
    const { logger: _silent, ...redflow } = connection();
    @Module({ imports: [RedflowModule.forRoot(redflow)], providers: [LetterWorkflow, Mails] })
    class AppModule {}
    const app = await NestFactory.createApplicationContext(AppModule, { bufferLogs: true });
    expect(written).toEqual([]);
    app.useLogger(new RunLogger({ json: true, logLevels: ['log', 'warn', 'error', 'debug'] }));
    const handle = await app.get(RedflowClient).run(LetterWorkflow, undefined);
    await expect(handle.result()).rejects.toThrow('no stamp');
    await app.close();

    const redflowLines = written.filter(({ context }) => context === 'Redflow');
    const where = `runId=${handle.id} workflow=letter`;
    expect(
      redflowLines.map(({ level, message }) => [
        level,
        String(message)
          .split('\n')[0]
          .replace(/in \d+ ms/, 'soon'),
      ]),
    ).toEqual([
      ['debug', 'Workflows of connection "default":'],
      ['warn', `Attempt 1 of 2 failed, the next follows soon: RangeError: not yet ${where}`],
      ['log', `Hello. ${where} step=greet to=Ada`],
      ['error', `The run failed, its steps are compensated: TypeError: no stamp ${where}`],
    ]);
    expect(redflowLines[3].stack).toContain('LetterWorkflow.run');
    // Other loggers than that of the run know it by the context.
    const mails = written.filter(({ context }) => context === 'Mails');
    expect(mails).toMatchObject([
      { message: 'sending', runId: handle.id, workflow: 'letter' },
      { message: 'undoing', runId: handle.id, workflow: 'letter' },
    ]);
  });
});
