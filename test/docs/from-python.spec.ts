import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

interface Row {
  readonly python: string;
  readonly here: string;
  readonly test: string;
}

const rows: Row[] = readFileSync('docs/from-python.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const [, python, here, test] = line.split('|').map((cell) => cell.trim());
    return { python, here, test };
  });

/** What the Python README names, section by section. */
const PYTHON_NAMES = `
  define_workflow @workflow WorkflowDefinition.run start_worker run_inline WorkflowHandlerContext OnFailureContext WorkflowRetryPolicy
  WorkflowDebounceOptions WorkflowRateLimitOptions EventTrigger CronTrigger NonRetriableError ReceivedEvent StartWorkerOptions
  ListEventsParams ListRunsParams SearchRunsParams
  ctx.input ctx.run ctx.signal ctx.step ctx.step.run ctx.step.wait_for( ctx.step.wait_for_event ctx.step.run_workflow ctx.step.emit_workflow ctx.step.emit_event
  create_client get_default_client set_default_client emit_workflow emit_event emit_event_detailed run_by_name get_run( get_run_steps
  get_run_attempts list_runs search_runs list_workflows( get_workflow_meta list_workflows_meta list_event_definitions list_events get_event(
  get_stats cancel_run cleanup_expired_runs_now cleanup_expired_events_now reset_runs reset_state
  RunHandle.id RunHandle.get_state RunHandle.result queue max_attempts retries on_failure input_schema max_concurrency mutex debounce throttle
  rate_limit timeout_ms queue_override idempotency_key idempotency_ttl run_at event_id correlation_key fanout_status subscriber_count
  delivery_count failed_delivery_count resumed_run_count resumed_run_ids step_overrides result.succeeded result.output
  app redis url prefix registry queues concurrency lease_ms blmove_timeout_sec reaper_interval_ms reaper_batch_size watchdog_enabled
  watchdog_interval_ms watchdog_stalled_for_ms run_history_cleanup_interval_ms registry_recovery_interval_ms worker.stop
  REDIS_URL REDFLOW_PREFIX REDFLOW_APP REDFLOW_RUN_RETENTION_DAYS
`
  .trim()
  .split(/\s+/);

/** The last identifiers of what a cell has in backquotes: `ctx.step.run(name, …)` is `run`. */
function identifiersIn(cell: string): string[] {
  const quoted = [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, code]) => code.split(', '));
  return quoted.flatMap((code) => /^@?(?:\w+\.)*(\w+)/.exec(code)?.[1] ?? []);
}

describe('docs/from-python.md', () => {
  it.each(PYTHON_NAMES)('has %s', (name) => {
    expect(rows.some(({ python }) => python.includes(name))).toBe(true);
  });

  it.each(rows)('shows $here at work in $test', ({ here, test }) => {
    expect(existsSync(test)).toBe(true);
    const source = readFileSync(test, 'utf8');
    expect(identifiersIn(here).filter((name) => source.includes(name))).not.toEqual([]);
  });
});
