import type { ReplayDeparture } from './replay.types.js';

/** A replayed handler does not do what the run did. `code` is `REPLAY_DEPARTED`; `departures` and the message say where. */
export class ReplayDepartedError extends Error {
  readonly code = 'REPLAY_DEPARTED';
  readonly runId: string;
  readonly departures: readonly ReplayDeparture[];

  constructor({ runId, workflow, departures }: { runId: string; workflow: string; departures: readonly ReplayDeparture[] }) {
    const places = departures.map(({ message }) => `\n  - ${message}`).join('');
    super(`Workflow "${workflow}" departs from its run "${runId}":${places}`);
    this.name = 'ReplayDepartedError';
    this.runId = runId;
    this.departures = departures;
  }
}
