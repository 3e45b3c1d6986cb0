-- park_run: ends a pass whose handler only waits; the run holds no slot until the first of its waits is due.
-- Guarantee: the waits are read in the script that parks, so one that is already due keeps the pass going instead.
-- ARGS
--   id
--   fence
--   deadline         epoch ms of the run's timeout, '' for none
--   ...names         steps that wait
-- RETURNS { PARKED | READY | LOST, now } | { CANCELED, now, reason or '' }: the handler is to be told, so the pass goes on
local state, run = guard(id, fence)
if state == 'DONE' then return { 'PARKED', now } end
if state == 'LOST' then return { 'LOST', now } end
if is_canceled(id, run) then return { 'CANCELED', now, call('HGET', data_key(id), 'cx') or '' } end
local first
each_record(id, names_first, names_last, function(name, record)
  local kind, status, moment = string.match(record or '', '^(%a),([wdk]),%d+,%d+,[%d@]+,%d+,(%d+);')
  if not status then error('step ' .. name .. ' is not waiting') end
  local at = status == STEP_STATUS.waiting and tonumber(moment) or now
  -- What others end may be waited for without a limit: 0.
  if (at > 0 or kind == STEP_KIND.sleep or kind == STEP_KIND.run) and (not first or at < first) then first = at end
end)
if first and first <= now then return { 'READY', now } end
if deadline ~= '' and (not first or finite(deadline) < first) then first = finite(deadline) end
local cold = call('HMGET', run_key(id), RUN.startedAt, RUN.unwinding)
run.unwinding = cold.unwinding
record_pass(id, failures_before(run), 'p', run.claimedAt or cold.startedAt, run.workerId)
call('HSET', run_key(id), RUN.status, STATUS.waiting, RUN.availableAt, first or now_text)
move(id, run.workflow, run.queue, run.stamp, STATUS.running, STATUS.waiting)
call('SREM', ROOT .. 'owned:' .. run.workerId, id)
if run.held then give_back(id, run.held, 'c') end
if first then set_due(id, run.queue, first) end
return { 'PARKED', now }
