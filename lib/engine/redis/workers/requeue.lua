-- Queues a run again that its worker does not execute any more, or ends it if it was canceled meanwhile. Its fence moves on, so that
-- nothing the old pass still sends is accepted. Returns whether the run was the worker's.
local function requeue(id, worker)
  local key = run_key(id)
  local run = call('HMGET', key, unpack(GUARDED))
  if run.status ~= STATUS.running or run.workerId ~= worker then return false end
  read_fate(id, run)
  local cold = call('HMGET', key, RUN.priority, RUN.recoveries, RUN.startedAt)
  local streak = tonumber(run.recoveryStreak or 0) + 1
  record_pass(id, failures_before(run), 'l', run.claimedAt or cold.startedAt, worker)
  call('HSET', key, RUN.fence, string.format('%.0f', tonumber(run.fence) + 1), RUN.recoveryStreak, streak,
    RUN.recoveries, tonumber(cold.recoveries or 0) + 1)
  if run.cancelRequestedAt and not run.unwinding then
    end_canceled(id, run)
  else
    call('HSET', key, RUN.status, STATUS.queued, RUN.availableAt, now)
    enqueue(id, run.queue, tonumber(cold.priority or 0), streak, true)
    keep_slot(id, run.queue, run.held)
    wake(run.queue, id)
  end
  return true
end

-- Takes up to `limit` runs from a worker that lost its lease.
local function requeue_lost(worker, limit)
  local ids = call('SPOP', ROOT .. 'owned:' .. worker, limit)
  for _, id in ipairs(ids) do requeue(id, worker) end
  return #ids
end
