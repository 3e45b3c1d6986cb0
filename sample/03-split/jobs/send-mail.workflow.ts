import { setTimeout as delay } from 'node:timers/promises';
import { IsEmail, IsString, Length } from 'class-validator';
import { Workflow, type WorkflowContext } from 'nestjs-redflow';
import { processName } from './process-name.js';

/** The body of `POST /mails`, and the input of the workflow. */
export class Mail {
  @IsEmail()
  to!: string;

  @IsString()
  @Length(1, 200)
  subject!: string;
}

/** Its queue decides which worker processes execute it. */
@Workflow({ name: 'send-mail', queue: 'mail', input: Mail })
export class SendMail {
  async run({ input, step }: WorkflowContext<Mail>) {
    const renderedBy = await step.run('render', () => processName);
    const deliveredBy = await step.run('deliver', async () => {
      await delay(3_000); // A slow mail server: time enough to be killed.
      return processName;
    });
    return { to: input.to, renderedBy, deliveredBy };
  }
}
