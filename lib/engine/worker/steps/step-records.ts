import type { StepWrite } from './pass-journal.js';
import type { StepTask, StepTaskInit } from './step-task.js';

/** What is stored of a function before it starts. */
export function beginningOf({ name, attempt, base, digest }: StepTaskInit): StepWrite {
  return { name, kind: 'u', status: 'r', order: 0, attempt, base, elapsedMs: 0, payload: '', digest };
}

/** What is stored of a function while it runs and once it has ended. */
export function recordOf(
  task: StepTask,
  order: number,
  status: StepWrite['status'],
  payload: string,
  kind: 'r' | 'v' | 'u',
): StepWrite {
  const { name, attempt, base, digest } = task.init;
  return { name, kind, status, order, attempt, base, elapsedMs: task.elapsedMs, payload, digest };
}
