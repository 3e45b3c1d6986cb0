-- Queues a run that nobody executes to unwind: its next pass runs the compensations and then writes the outcome, f or c.
local function unwind(id, run, outcome)
  guarded[id] = nil
  move(id, run.workflow, run.queue, run.stamp, run.status, STATUS.queued)
  local key = run_key(id)
  call('HSET', key, RUN.status, STATUS.queued, RUN.unwinding, outcome, RUN.availableAt, now)
  call('HDEL', key, RUN.recoveryStreak)
  if run.listened then unlisten_all(id) end
  enqueue(id, run.queue, tonumber(call('HGET', key, RUN.priority) or 0), 0, true)
  keep_slot(id, run.queue, run.held)
  wake(run.queue, id)
end

-- Whether completed steps are to be undone before a cancellation is final.
local function compensates(run) return run.compensable and not run.uncompensated end
