-- resume_run: lets a blocked run, or the blocked failure hook of a run, be executed again, by whoever serves it.
-- Guarantee: a repeat of the same call answers YES again and writes nothing.
-- ARGS
--   id
--   nonce            a value of this call alone
--   accept           1: the steps that it missed are left behind
-- RETURNS YES | NO, for one that is not blocked | MISSING
local run = call('HMGET', run_key(id), RUN.status, RUN.hookOf, RUN.resumeNonce, RUN.hookStatus, RUN.hookRunId)
if not run.status or run.hookOf then return 'MISSING' end
if run.resumeNonce == nonce then return 'YES' end
local target = run.hookStatus == 'p' and run.hookRunId or id
local blocked = call('HMGET', run_key(target), RUN.blockedAt, RUN.queue, RUN.priority, RUN.recoveryStreak)
if not blocked.blockedAt then return 'NO' end
call('HSET', run_key(id), RUN.resumeNonce, nonce)
if accept == '1' then blocks.leave_behind(target) end
blocks.withdraw(target)
blocks.unblock(target)
call('HDEL', data_key(target), 'bd')
call('HSET', run_key(target), RUN.availableAt, now_text)
enqueue(target, blocked.queue, tonumber(blocked.priority or 0), blocked.recoveryStreak, true)
wake(blocked.queue, target)
return 'YES'
