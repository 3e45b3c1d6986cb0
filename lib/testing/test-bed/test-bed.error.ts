import type { BusyItem } from '../../engine/test-bed/index.js';

/** How many of them a message names. */
const NAMED = 5;

/** What a test waited for is still under way. `code` is `TEST_BED_BUSY`; `busy` and the message name it. */
export class TestBedBusyError extends Error {
  readonly code = 'TEST_BED_BUSY';

  constructor(
    waitedMs: number,
    readonly busy: readonly BusyItem[],
  ) {
    const named = busy.slice(0, NAMED).map((item) => `\n  - ${describe(item)}`);
    const more = busy.length > NAMED ? `\n  - and ${busy.length - NAMED} more` : '';
    super(`Still busy after ${waitedMs} ms:${named.join('')}${more}`);
    this.name = 'TestBedBusyError';
  }
}

function describe({ state, id, workflow, queue }: BusyItem): string {
  const run = `run "${id}" of workflow "${workflow}"`;
  switch (state) {
    case 'running':
      return `${run} is running; a step function that waits for the test, or never ends?`;
    case 'paused':
      return `${run} is in queue "${queue}", which is paused`;
    case 'unserved':
      return `${run} is in queue "${queue}", which no worker serves`;
    case 'due':
      return `${run} is due, and no worker has taken it up`;
    case 'queued':
      return `${run} is in queue "${queue}"`;
    case 'event':
      return `event "${id}" has not reached all its subscribers`;
    case 'schedule':
      return `schedule "${id}" of workflow "${workflow}" has not fired its instant`;
  }
}
