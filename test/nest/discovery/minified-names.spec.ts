import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { type LoggerPort, OnEvent, type RedflowModuleOptions, Step, Workflow, type WorkflowContext } from '../../../lib/index.js';
import { RecordingLogger } from '../../support/engine.js';
import { withApp } from '../fixtures.js';

@Injectable()
class Je {
  @Step()
  async charge(): Promise<void> {}

  @Step('named')
  async refund(): Promise<void> {}

  @OnEvent('paid')
  async thank(_input: unknown, _ctx: WorkflowContext): Promise<void> {}

  @OnEvent('paid', { name: 'named-too' })
  async tell(_input: unknown, _ctx: WorkflowContext): Promise<void> {}
}

@Workflow()
class a {
  async run(_ctx: WorkflowContext): Promise<void> {}
}

@Workflow('named-three')
class b {
  async run(_ctx: WorkflowContext): Promise<void> {}
}

@Workflow()
class Order {
  async run(_ctx: WorkflowContext): Promise<void> {}

  @Step()
  async charge(): Promise<void> {}
}

async function warningsAtBoot(providers: object[], options: RedflowModuleOptions = {}): Promise<string[]> {
  const logger = new RecordingLogger();
  await withApp({ providers: providers as never }, async () => {}, { redflow: { ...options, logger: logger as LoggerPort } });
  return logger.matching('warn', /one or two letters/).map(({ message }) => message);
}

describe('names from classes of one or two letters', () => {
  it('are warned of at boot, with what to write, where no decorator gives a name', async () => {
    expect(await warningsAtBoot([Je, a, b, Order])).toEqual([
      'Default names come from classes with one or two letters, as a minified build has them: "Je.thank", "a", "Je.charge". The next ' +
        'build may name them otherwise: steps would then be executed again, and runs would wait for workflows that nobody has. Let the build ' +
        "keep class names (esbuild: keepNames, terser: keep_classnames), or give names: @Workflow('order'), @Step('charge').",
    ]);
  });

  it('are no matter in a build that keeps them', async () => {
    expect(await warningsAtBoot([Order, b])).toEqual([]);
  });
});
