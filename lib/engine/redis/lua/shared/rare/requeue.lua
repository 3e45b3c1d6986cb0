-- Takes up to `limit` runs from a worker that lost its lease and queues them again, or ends those that were canceled meanwhile.
-- Their fences move on, so that nothing the old worker still sends is accepted.
local function requeue_lost(worker, limit)
  local ids = call('SPOP', ROOT .. 'owned:' .. worker, limit)
  for _, id in ipairs(ids) do
    local key = run_key(id)
    local run = call('HMGET', key, unpack(GUARDED))
    if run[1] == 'r' and run[3] == worker then
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
        wake(run[11])
      end
    end
  end
  return #ids
end
