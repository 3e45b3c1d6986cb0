-- Ends a run, or a failure hook, whose cancellation was requested, once nobody executes it; its compensations come first.
local function end_canceled(id, run)
  local failed = call('HGET', run_key(id), RUN.hookOf)
  if failed then
    end_hook(id, run, failed)
  elseif compensates(run) then
    unwind(id, run, STATUS.canceled)
  else
    terminate(id, run, STATUS.canceled)
  end
end

-- What becomes of a running run whose cancellation was requested when its pass ends, however it ends.
local function settle_canceled(id, run)
  -- The history of a run that ended in its first pass can be told from the run itself.
  local since = run.claimedAt or compensates(run) and call('HGET', run_key(id), RUN.startedAt)
  if since then record_pass(id, run.failures, 'c', since, run.workerId) end
  call('SREM', ROOT .. 'owned:' .. run.workerId, id)
  end_canceled(id, run)
end
