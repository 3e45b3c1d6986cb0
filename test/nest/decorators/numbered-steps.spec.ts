import { describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  type FailureContext,
  InvalidOptionError,
  NonRetriableError,
  OnFailure,
  RedflowClient,
  RedflowSetupError,
  Step,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { RedflowTestBed, RedflowTestingModule, runInline } from '../../../lib/testing/index.js';
import { blocked } from '../../support/blocked.js';
import { eventually } from '../../support/eventually.js';
import { bootError, redisUrl, silentLogger, withApp } from '../fixtures.js';

@Injectable()
class Mail {
  readonly sent: string[] = [];

  @Step({
    compensate(this: Mail, output: string) {
      this.sent.push(`not ${output}`);
    },
  })
  async send(to: string): Promise<string> {
    this.sent.push(to);
    return `sent to ${to}`;
  }

  @Step()
  async sendAll(recipients: readonly string[]): Promise<string[]> {
    return Promise.all(recipients.map((to) => this.send(to)));
  }

  @Step({ name: (to: string) => `remind:${to}` })
  async remind(to: string): Promise<string> {
    return `reminded ${to}`;
  }
}

@Injectable()
class NightMail extends Mail {}

@Workflow('newsletter')
class Newsletter {
  constructor(
    private readonly mail: Mail,
    private readonly night: NightMail,
  ) {}

  async run(ctx: WorkflowContext<string[]>): Promise<string[]> {
    const all = await Promise.all(ctx.input.map((to) => this.mail.send(to)));
    await ctx.step.waitFor('pause', 1);
    return [...all, ...(await this.mail.sendAll(['x', 'y'])), await this.night.send('z'), await this.mail.send('last')];
  }
}

const NEWSLETTER_STEPS = ['Mail.send', 'Mail.send#2', 'pause', 'Mail.sendAll', 'NightMail.send', 'Mail.send#3'];
const NEWSLETTER = ['sent to a', 'sent to b', 'sent to x', 'sent to y', 'sent to z', 'sent to last'];

@Workflow({ name: 'reminders', maxAttempts: 1 })
class Reminders {
  constructor(private readonly mail: Mail) {}

  async run(ctx: WorkflowContext<string[]>): Promise<void> {
    for (const to of ctx.input) await this.mail.remind(to);
  }
}

@Workflow({ name: 'apology', maxAttempts: 1 })
class Apology {
  constructor(private readonly mail: Mail) {}

  async run(): Promise<void> {
    await this.mail.send('customer');
    await this.mail.send('customer');
    throw new NonRetriableError('no');
  }

  @OnFailure()
  async apologise(_ctx: FailureContext): Promise<void> {
    await this.mail.send('customer');
    await this.mail.send('support');
  }
}

const stepNames = async (client: RedflowClient, id: string) => (await client.getRunSteps(id)).map(({ name }) => name);

describe('a @Step() method that is called more than once in a run', () => {
  it('is numbered by class and method, calls inside a step apart', async () => {
    await withApp({ providers: [Mail, NightMail, Newsletter] }, async ({ client, module }) => {
      const handle = await client.run(Newsletter, ['a', 'b']);
      expect(await handle.result()).toEqual(NEWSLETTER);
      expect(await stepNames(client, handle.id)).toEqual(NEWSLETTER_STEPS);
      expect(module.get(Mail).sent).toEqual(['a', 'b', 'x', 'y', 'last']);
    });
  });

  it('is numbered alike by runInline(), whose overrides name one call each', async () => {
    const module = await Test.createTestingModule({ providers: [Mail, NightMail, Newsletter] }).compile();
    const { output, steps } = await runInline(module.get(Newsletter), {
      input: ['a', 'b'],
      stepOverrides: { 'Mail.send#2': 'for free' },
    });
    expect(output).toEqual(NEWSLETTER.with(1, 'for free'));
    expect(steps.map(({ name }) => name)).toEqual(NEWSLETTER_STEPS);
    expect(module.get(Mail).sent).not.toContain('b');
  });

  it('is numbered alike by a RedflowTestBed', async () => {
    const stepOverrides = { 'Mail.send#3': 'for free' };
    const redflow = RedflowTestingModule.forRoot({ url: redisUrl(), logger: silentLogger, stepOverrides });
    const module = await Test.createTestingModule({ imports: [redflow], providers: [Mail, NightMail, Newsletter] }).compile();
    try {
      await module.init();
      const client = module.get(RedflowClient);
      const handle = await client.run(Newsletter, ['a', 'b']);
      await module.get(RedflowTestBed).advance('1s');
      expect(await handle.result()).toEqual(NEWSLETTER.with(5, 'for free'));
      expect(await stepNames(client, handle.id)).toEqual(NEWSLETTER_STEPS);
    } finally {
      await module.close();
    }
  });

  it('is undone call by call, and counts anew in the failure hook', async () => {
    await withApp({ providers: [Mail, Apology] }, async ({ client, module }) => {
      const handle = await client.run(Apology, undefined);
      await expect(handle.result()).rejects.toMatchObject({ cause: { message: 'no' } });
      await eventually(async () => (await handle.getState()).failureHook?.status === 'succeeded', 'the hook has ended');
      const undone = ['not sent to customer', 'not sent to customer'];
      expect(module.get(Mail).sent).toEqual(['customer', 'customer', ...undone, 'customer', 'support']);
      const compensations = ['compensate:Mail.send#2', 'compensate:Mail.send'];
      expect(await stepNames(client, handle.id)).toEqual(['Mail.send', 'Mail.send#2', ...compensations]);
    });
  });

  it('gets no result of another call', async () => {
    let recipients = ['a', 'b'];
    @Workflow({ name: 'shuffled', maxAttempts: 5, retries: { delay: 0 } })
    class Shuffled {
      constructor(private readonly mail: Mail) {}

      async run(): Promise<void> {
        for (const to of recipients) await this.mail.send(to);
        recipients = ['b', 'a'];
        throw new Error('once more');
      }
    }
    await withApp({ providers: [Mail, Shuffled] }, async ({ client, module }) => {
      const handle = await client.run(Shuffled, undefined);
      const run = await blocked({ client }, handle.id);
      expect(run).toMatchObject({ attempt: 2, blocked: { missing: ['Mail.send'] } });
      expect(module.get(Mail).sent.filter((to) => to.length === 1)).toEqual(['a', 'b']);
    });
  });

  it('with a name of its own is as strict as ctx.step.run', async () => {
    await withApp({ providers: [Mail, Reminders] }, async ({ client }) => {
      const handle = await client.run(Reminders, ['a', 'b', 'a']);
      await expect(handle.result()).rejects.toMatchObject({ cause: { code: 'DUPLICATE_STEP', step: 'remind:a' } });
      const numbered = await client.run(Reminders, ['page#2']);
      await expect(numbered.result()).rejects.toMatchObject({ cause: { code: 'INVALID_OPTION', option: 'name' } });
    });
  });
});

/** A class of the same name as another, as two modules of an application may have them. */
function anotherMail(): typeof Mail {
  @Injectable()
  class Mail {
    @Step()
    async send(): Promise<void> {}

    @Step('named')
    async other(): Promise<void> {}
  }
  return Mail as never;
}

@Module({ providers: [Mail], exports: [Mail] })
class MailModule {}

describe('two classes with steps of one default name', () => {
  it('refuse the boot, which names both', async () => {
    @Module({ providers: [anotherMail()] })
    class BillingModule {}
    const error = await bootError({ imports: [MailModule, BillingModule] });
    expect(error).toBeInstanceOf(RedflowSetupError);
    expect(error.message).toBe(
      'Step name "Mail.send" is used by method "Mail.send" (module "MailModule") and by another method "Mail.send" (module "BillingModule"): ' +
        'the calls of both in one run would be counted together. Rename one of the classes, or give one of the steps a name: ' +
        "@Step('another-name').",
    );
  });

  it('are none where one class is provided twice, stands in for the other, or inherits its steps', async () => {
    class Heir extends Mail {}
    const providers = [Mail, Heir, { provide: 'mail', useFactory: () => new Mail() }, { provide: 'alias', useExisting: Mail }];
    await withApp({ imports: [MailModule], providers }, async () => {});
    await withApp({ imports: [MailModule] }, async () => {}, {
      override: (builder) => builder.overrideProvider(Mail).useClass(anotherMail()),
    });
  });

  it('are told from two heirs without a name of their own, which have that of the class they extend', async () => {
    const heir = () => new (class extends Mail {})();
    const error = await bootError({ providers: [Mail, { provide: 'mail', useFactory: heir }] });
    expect(error.message).toContain('Step name "Mail.send" is used by method "Mail.send"');
  });
});

describe('@Step() with a name like that of a numbered call', () => {
  const REFUSAL = 'Expected the step name not to end in "#" and a number';

  it('is refused where it is decorated, with its method', () => {
    const decorate = () => {
      class Pages {
        @Step('page#1')
        async read(): Promise<void> {}
      }
      return Pages;
    };
    expect(decorate).toThrow(InvalidOptionError);
    expect(decorate).toThrow(REFUSAL);
    expect(decorate).toThrow('(method "Pages.read")');
  });

  it('is refused where the method itself is called so', () => {
    const decorate = () => {
      class Pages {
        @Step()
        async 'read#1'(): Promise<void> {}
      }
      return Pages;
    };
    expect(decorate).toThrow(REFUSAL);
  });
});
