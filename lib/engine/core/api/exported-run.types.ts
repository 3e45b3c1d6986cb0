import type { ReceivedEvent } from './event.types.js';
import type { AttemptRecord, RunRecord, StepRecord } from './run.types.js';
import type { Json } from './values.types.js';

/** A step of an exported run. */
export interface ExportedStep extends StepRecord {
  /** How the engine stores the step, but for its outcome. */
  stored: string;
  /** What stands before the outcome where it came from outside: which event it was, or which of several waits. */
  frame?: string;
}

/**
 * A run as `exportRun` gives it: plain JSON, with payloads in clear, whatever the codec. `format` changes when `replayRun` of an earlier version
 * could no longer read it.
 */
export interface ExportedRun {
  format: 'redflow.run/1';
  /** As `getRun` reads it. */
  run: RunRecord;
  /** As `getRunSteps` reads them: in the order in which they completed, open ones last. */
  steps: ExportedStep[];
  /** As `getRunAttempts` reads them: every pass, oldest first. */
  attempts: AttemptRecord[];
  /** The envelope of the event that started the run; its data is the input. */
  event?: Omit<ReceivedEvent, 'data'>;
  /** What interceptors and `context` sent along when the run was created. */
  headers?: Record<string, Json>;
  /** What the schema of the workflow and its pipes made of the input in the first pass, where that is other JSON. */
  judgedInput?: { bySchema?: unknown; byPipes?: unknown };
  /** What the engine has noted of the replay of the run, as it is stored. */
  notes?: Record<string, string>;
}
