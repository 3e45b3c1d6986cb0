-- park_run: ends a pass whose handler only waits; the run holds no slot until the first of its waits is due.
-- Guarantee: the waits are read in the script that parks, so one that is already due keeps the pass going instead.
-- ARGS
--   id
--   fence
--   deadline         epoch ms of the run's timeout, '' for none
--   ...names         steps that wait
-- RETURNS { PARKED | READY | LOST, now }
local state, run = guard(id, fence)
if state == 'DONE' then return { 'PARKED', now } end
if state == 'LOST' then return { 'LOST', now } end
local first
for i = names_first, names_last do
  local record = call('HGET', data_key(id), 's:' .. ARGV[i])
  local at = record and tonumber(string.match(record, '^%a,w,%d+,%d+,%d+,%d+,(%d+);'))
  if not at then error('step ' .. ARGV[i] .. ' is not waiting') end
  if not first or at < first then first = at end
end
if first <= now then return { 'READY', now } end
if deadline ~= '' and tonumber(deadline) < first then first = tonumber(deadline) end
local cold = call('HMGET', run_key(id), 'q', 'sa')
record_pass(id, run[4], 'p', run[6] or cold[2], run[3])
call('HSET', run_key(id), 'st', 'w', 'av', first)
call('SREM', ROOT .. 'owned:' .. run[3], id)
set_due(id, cold[1], first)
return { 'PARKED', now }
