-- resume_run: lets a blocked run, or the blocked failure hook of a run, be executed again, by whoever serves it.
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
local blocked = call('HMGET', run_key(target), 'ba', 'q', 'pr', 'rs')
if not blocked[1] then return 'NO' end
call('HSET', run_key(id), 'bn', nonce)
if accept == '1' then blocks.leave_behind(target) end
blocks.withdraw(target)
blocks.unblock(target)
call('HDEL', data_key(target), 'bd')
call('HSET', run_key(target), 'av', now_text)
enqueue(target, blocked[2], tonumber(blocked[3] or 0), blocked[4], true)
wake(blocked[2], target)
return 'YES'
