-- Queues a run again that its worker does not execute any more, or ends it if it was canceled meanwhile. Its fence moves on, so that
-- nothing the old pass still sends is accepted. Returns whether the run was the worker's.
local function requeue(id, worker)
  local key = run_key(id)
  local run = call('HMGET', key, unpack(GUARDED))
  if run[1] ~= 'r' or run[3] ~= worker then return false end
  read_fate(id, run)
  local cold = call('HMGET', key, 'pr', 'rc', 'sa')
  local streak = tonumber(run[7] or 0) + 1
  record_pass(id, failures_before(run), 'l', run[6] or cold[3], worker)
  call('HSET', key, 'f', string.format('%.0f', tonumber(run[2]) + 1), 'rs', streak, 'rc', tonumber(cold[2] or 0) + 1)
  if run[9] and not run.unwinding then
    end_canceled(id, run)
  else
    call('HSET', key, 'st', 'q', 'av', now)
    enqueue(id, run[11], tonumber(cold[1] or 0), streak, true)
    keep_slot(id, run[11], run[13])
    wake(run[11], id)
  end
  return true
end

-- Takes up to `limit` runs from a worker that lost its lease.
local function requeue_lost(worker, limit)
  local ids = call('SPOP', ROOT .. 'owned:' .. worker, limit)
  for _, id in ipairs(ids) do requeue(id, worker) end
  return #ids
end
