import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';

// Loaded for every test file. What keeps the process alive is counted by kind: a test that began with nothing open must end
// with nothing open, and so must a file. Where a file shares a client among its tests (`beforeAll`), only the file is
// checked, because such a client may open its connections when a test first needs them.
const KINDS = ['Timeout', 'TCPSocketWrap', 'TCPServerWrap', 'TLSWrap', 'PipeWrap', 'PipeServerWrap', 'ProcessWrap', 'Worker'];
/** Closing a socket takes a few turns of the event loop, more on a busy machine; nothing waits this long unless it leaks. */
const SETTLE_MS = 5_000;
/** For naming suspects only: long enough for sockets that are being closed, short enough to be paid after every test. */
const SUSPECT_SETTLE_MS = 50;

type Counts = Map<string, number>;

function countOpen(): Counts {
  const counts: Counts = new Map();
  for (const kind of process.getActiveResourcesInfo()) {
    if (KINDS.includes(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** What is open beyond `before`, as `2 × TCPSocketWrap`; empty when nothing is. */
function openedSince(before: Counts): string[] {
  return [...countOpen()]
    .map(([kind, count]) => ({ kind, more: count - (before.get(kind) ?? 0) }))
    .filter(({ more }) => more > 0)
    .map(({ kind, more }) => `${more} × ${kind}`);
}

async function openAfterSettling(before: Counts, limitMs = SETTLE_MS): Promise<string[]> {
  const deadline = performance.now() + limitMs;
  let open = openedSince(before);
  while (open.length > 0 && performance.now() < deadline) {
    await delay(10);
    open = openedSince(before);
  }
  return open;
}

let atFileStart: Counts = new Map();
let atTestStart: Counts = new Map();
let isShared = false;
const suspects = new Set<string>();

// Not at load: inside a hook, as in the checks below, jest's own timer for that hook is among what is open.
beforeAll(() => {
  atFileStart = countOpen();
});

beforeEach(() => {
  atTestStart = countOpen();
  isShared = openedSince(atFileStart).length > 0;
});

afterEach(async () => {
  if (isShared) {
    const open = await openAfterSettling(atTestStart, SUSPECT_SETTLE_MS);
    if (open.length > 0) suspects.add(expect.getState().currentTestName ?? '');
    return;
  }
  const open = await openAfterSettling(atFileStart);
  if (open.length === 0) return;
  atFileStart = countOpen();
  throw new Error(`This test left open: ${open.join(', ')}. Close clients, workers, servers and timers before it ends.`);
});

afterAll(async () => {
  const open = await openAfterSettling(atFileStart);
  if (open.length === 0) return;
  const tests = [...suspects].map((name) => `\n  - ${name}`).join('');
  const hint = suspects.size === 0 ? '' : ` These tests ended with more open than they began with:${tests}`;
  throw new Error(`This file left open: ${open.join(', ')}.${hint}`);
});
