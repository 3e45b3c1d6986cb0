import { expect, it } from '@jest/globals';
import { withApp } from '../fixtures.js';

class Undecorated {
  async run(): Promise<void> {}
}

it('a class without @Workflow() is told to need it', async () => {
  await withApp({}, async ({ client }) => {
    await expect(client.run(Undecorated, undefined)).rejects.toMatchObject({
      name: 'UnknownWorkflowError',
      message: expect.stringMatching(/^There is no workflow of class "Undecorated"\. Put @Workflow\(\) on it\./),
    });
  });
});
