-- finish_hook: ends the failure hook of a run and writes its outcome to that run, which begins its retention.
-- Guarantee: once; the hook leaves nothing behind but its outcome.
-- ARGS
--   id               of the hook's run
--   fence
--   failed           the run that has failed
--   outcome          s succeeded, f failed
--   payload          encoded error, '' for success
-- RETURNS OK | DONE | LOST
local state, run = guard(id, fence)
if not run[1] and call('HGET', run_key(failed), 'hi') == id then return 'DONE' end
if state ~= 'RUNNING' then return state end
disown(run[3], id)
if run[8] then unlisten_all(id) end
if call('HGET', run_key(failed), 'hi') == id then
  call('HSET', run_key(failed), 'fh', outcome, 'rb', now_text)
  if payload ~= '' then call('HSET', data_key(failed), 'fe', payload) end
  ended[#ended + 1] = failed
end
call('UNLINK', run_key(id), data_key(id), ROOT .. 'passes:' .. id, ROOT .. 'listening:' .. id)
return 'OK'
