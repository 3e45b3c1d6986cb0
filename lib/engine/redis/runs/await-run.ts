import type { RunStatus } from '../../core/api/run.types.js';
import { sealedText } from '../../core/payload/sealer.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';
import { statusOf } from './run-status.js';

/** How a run ended. */
export interface RunEnd {
  readonly runId: string;
  readonly workflow: string;
  readonly outcome: RunStatus;
  /** Encoded output or error; undefined when it was too long for a message. */
  readonly payload?: string;
}

export type Awaited = { readonly status: 'PENDING' | 'MISSING' } | { readonly status: 'ENDED'; readonly end: RunEnd };

const AWAIT_RUN = defineOperation({
  name: 'await_run',
  args: ['id', 'channel'],
  sealed: (reply, { id }) => sealedText(reply as string[], 2, resultOf(id as string)),
  reply: (reply, { id }): Awaited => {
    const [status, code, payload, workflow] = reply as [Awaited['status'], string, string, string];
    return status === 'ENDED' ? { status, end: { runId: id as string, workflow, outcome: statusOf(code), payload } } : { status };
  },
});

export function awaitRun(runId: string, listenerId: string): Op<Awaited> {
  return AWAIT_RUN({ id: runId, channel: listenerId });
}

/** Its output or error, for messages. */
export function resultOf(runId: string): string {
  return `result of run "${runId}"`;
}

/**
 * Reads what `terminate.lua` publishes: `<bytes of id>:<bytes of workflow>:<id><workflow><status>=<payload>`, or `?` for a payload
 * that has to be fetched.
 */
export function parseEndMessage(message: string): RunEnd {
  const [idBytes, workflowBytes] = message.split(':', 2);
  const rest = Buffer.from(message.slice(idBytes.length + workflowBytes.length + 2));
  const workflowEnd = Number(idBytes) + Number(workflowBytes);
  const tail = rest.subarray(workflowEnd).toString();
  return {
    runId: rest.subarray(0, Number(idBytes)).toString(),
    workflow: rest.subarray(Number(idBytes), workflowEnd).toString(),
    outcome: statusOf(tail[0]),
    payload: tail[1] === '=' ? tail.slice(2) : undefined,
  };
}
