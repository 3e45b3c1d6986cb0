-- resume_run: lets a blocked run, or the blocked failure hook of a run, be executed again.
-- Guarantee: a repeat of the same call answers YES again and writes nothing.
-- ARGS
--   id
--   nonce            a value of this call alone
--   accept           1: the steps that it missed are left behind
-- RETURNS YES | NO, for one that is not blocked | MISSING
local run = call('HMGET', run_key(id), 'st', 'hk', 'bn', 'fh', 'hi')
if not run[1] or run[2] then return 'MISSING' end
if run[3] == nonce then return 'YES' end
local target = run[4] == 'p' and run[5] or id
if call('HGET', run_key(target), 'bl') ~= 'k' then return 'NO' end
call('HSET', run_key(id), 'bn', nonce)
if accept == '1' then leave_behind(target) end
let_blocked_go_on(target)
return 'YES'
