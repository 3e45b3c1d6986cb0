-- adopt_outcome: gives an outcome that came from outside its place in the order in which the run's steps completed.
-- ARGS
--   id
--   fence
--   name
--   order
--   asked            '@' and how many outcomes the handler had when it asked for the step, '' where that says nothing
-- RETURNS OK | DONE | LOST
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return state end
local field = 's:' .. name
local record = call('HGET', data_key(id), field)
local kind, status, rest = string.match(record, '^(%a),([dk]),0,(.*)$')
if kind then
  rest = string.gsub(rest, '^(%d+,%d+)@?%d*', '%1' .. asked)
  call('HSET', data_key(id), field, kind .. ',' .. (status == STEP_STATUS.fulfilled and STEP_STATUS.succeeded or STEP_STATUS.rejected) .. ',' .. order .. ',' .. rest)
  if run.recoveryStreak then call('HDEL', run_key(id), RUN.recoveryStreak) end
end
return 'OK'
