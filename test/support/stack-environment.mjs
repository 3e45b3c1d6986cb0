import { TestEnvironment } from 'jest-environment-node';

/**
 * Node's test environment, with `afterEach` and `afterAll` hooks run in the reverse order of their definition, as clean-up
 * has to be: jest runs them in the order of definition, so that hooks of support modules, which are imported and therefore
 * defined first, would clean up before the test file has closed what it opened.
 */
export default class StackEnvironment extends TestEnvironment {
  handleTestEvent(event, state) {
    if (event.name === 'run_start') stackAfterHooks(state.rootDescribeBlock);
  }
}

function stackAfterHooks(block) {
  const isAfter = (hook) => hook.type.startsWith('after');
  const after = block.hooks.filter(isAfter).reverse();
  block.hooks = [...block.hooks.filter((hook) => !isAfter(hook)), ...after];
  for (const child of block.children) if (child.type === 'describeBlock') stackAfterHooks(child);
}
