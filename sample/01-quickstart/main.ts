import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RedflowClient, RedflowModule, Workflow, type WorkflowContext } from 'nestjs-redflow';
import { findOrStartRedis } from 'nestjs-redflow/testing';

/** What happens when somebody signs up. After the sleep, after a crash and after a deploy it starts again from the top. */
@Workflow('sign-up')
class SignUp {
  async run(ctx: WorkflowContext<{ email: string }>) {
    console.log('run():             from the top');

    const account = await ctx.step.run('create account', () => {
      console.log('  create account:  executed, its result is stored');
      return { id: 'account-1', email: ctx.input.email };
    });

    // Make it '14d' if you like: a run that sleeps lies in Redis and occupies no process.
    await ctx.step.waitFor('let them look around', '2s');

    const mail = await ctx.step.run('send welcome mail', ({ idempotencyKey }) => {
      console.log('  send mail:       executed, its result is stored');
      return { to: account.email, id: idempotencyKey };
    });

    return { account: account.id, mail: mail.id };
  }
}

// The Redis of REDIS_URL, else a private one that ends with this process.
const redis = await findOrStartRedis();

@Module({
  imports: [RedflowModule.forRoot({ url: redis.url, prefix: 'redflow-quickstart' })],
  providers: [SignUp],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'] });
try {
  const handle = await app.get(RedflowClient).run(SignUp, { email: 'ada@example.com' });
  console.log(`run ${handle.id} is in Redis; a worker in this process takes it`);
  const result = await handle.result({ timeoutMs: 30_000 });
  console.log(`result:            ${JSON.stringify(result)}`);

  const steps = await app.get(RedflowClient).getRunSteps(handle.id);
  for (const { name, kind, status } of steps) console.log(`stored:            ${kind} "${name}" ${status}`);
} finally {
  await app.close();
  await redis.stop();
}
