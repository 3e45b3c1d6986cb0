-- back_off_run: ends a failed attempt that is to be tried again: the run is parked for its backoff.
-- ARGS
--   id
--   fence
--   delay            ms
--   deadline         epoch ms of the run's timeout, '' for none
--   failure          encoded error
-- RETURNS OK | DONE | LOST
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return state end
if is_canceled(id, run) then
  settle_canceled(id, run)
  return 'OK'
end
local at = now + floor(finite(delay))
if deadline ~= '' and finite(deadline) < at then at = tonumber(deadline) end
record_pass(id, run[4], 'f', run[6] or call('HGET', run_key(id), 'sa'), run[3], failure)
call('HSET', run_key(id), 'st', 'b', 'av', at, 'n', tonumber(run[4] or 0) + 1)
call('HSET', data_key(id), 'e', failure)
move(id, run[10], run[11], run[12], 'r', 'b')
call('SREM', ROOT .. 'owned:' .. run[3], id)
if run[13] then give_back(id, run[13], 'c') end
set_due(id, run[11], at)
return 'OK'
