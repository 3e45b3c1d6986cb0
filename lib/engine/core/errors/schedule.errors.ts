import { describeId } from '../checks/describe-value.js';
import { RedflowError } from './redflow.error.js';

/** No schedule has this id. */
export class ScheduleNotFoundError extends RedflowError {
  readonly code = 'SCHEDULE_NOT_FOUND';
  readonly scheduleId: string;
  /** Known ids close to the one asked for, best first. */
  readonly suggestions: readonly string[];

  constructor(ids: { scheduleId: string; suggestions: readonly string[] }) {
    const meant = ids.suggestions.map((id) => `"${id}"`).join(', ');
    super(
      `There is no schedule ${describeId(ids.scheduleId)}${meant === '' ? '.' : `; did you mean ${meant}?`} ` +
        'Schedules are registered by the workers that declare them; listSchedules() shows all.',
    );
    this.scheduleId = ids.scheduleId;
    this.suggestions = ids.suggestions;
  }
}
