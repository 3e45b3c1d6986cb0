-- retry_run: puts a failed or canceled run back into its queue. It goes on behind its completed steps, with budgets of its own.
-- Guarantee: one retry per end of a run; a repeat of the same call answers OK again and writes nothing.
-- ARGS
--   id
--   nonce            a value of this call alone
--   seen             epoch ms of the end that the caller has looked at, 0 for none
--   version          the one it is pinned to from now on, '' to leave it as it is
--   reopenings       encoded failures that were to happen anew, with those of these steps; '' for none
--   ...reopened      steps that are to happen again: waits are registered anew, failed functions run again
-- RETURNS OK | MISSING | CHANGED: it has ended another time | CANCELING: its descendants are still being canceled | why it is refused
local key, data = run_key(id), data_key(id)
local run = call('HMGET', key, RUN.status, RUN.finishedAt, RUN.retryNonce, RUN.hookOf, RUN.unwinding, RUN.hookStatus, RUN.unjudged,
  RUN.cancelRequestedAt, RUN.workflow, RUN.queue, RUN.priority, RUN.stamp, RUN.failures, RUN.workerId, RUN.startedAt, RUN.version, RUN.patched)
local status = run.status
if not status or run.hookOf then return 'MISSING' end
if run.retryNonce == nonce then return 'OK' end
if status == STATUS.succeeded then return 'succeeded' end
if status ~= STATUS.failed and status ~= STATUS.canceled then return 'not_ended' end
if run.unwinding then return 'compensated' end
-- One that was canceled before its filter was asked is delivered yet.
if run.unjudged and not run.cancelRequestedAt then return 'undelivered' end
if run.hookStatus == 'p' then return 'hook_pending' end
if run.cancelRequestedAt and call('EXISTS', ROOT .. 'canceling') == 1 then return 'CANCELING' end
if run.finishedAt ~= seen then return 'CHANGED' end
expand(id)

-- The pass of a run that ended in its first one is only now to be told from the passes that follow.
if run.startedAt and call('EXISTS', ROOT .. 'passes:' .. id) == 0 then
  local failures = tonumber(run.failures or 0)
  if status == STATUS.failed then failures = failures - 1 end
  record_pass(id, failures, status, run.startedAt, run.workerId, status == STATUS.failed and call('HGET', data, 'e'), run.finishedAt)
end
if reopenings ~= '' then call('HSET', data, 'ro', reopenings) end
for i = reopened_first, reopened_last do
  local field = 's:' .. ARGV[i]
  local record = call('HGET', data, field)
  if record and string.find(record, '^[ru]') then
    call('HSET', data, field, (string.gsub(record, '^(%a),f,%d+', '%1,x,0')))
  else
    call('HDEL', data, field)
  end
end
-- `ca` without `sa` says that passes are written down and that the next claim is the start.
if run.startedAt then call('HSET', key, RUN.claimedAt, now_text) end
-- The nonce of its cancellation and its failure hook are left: their calls may still be repeated.
call('HDEL', key, RUN.failures, RUN.recoveries, RUN.recoveryStreak, RUN.startedAt, RUN.finishedAt, RUN.retainedFrom, RUN.cancelRequestedAt,
  RUN.uncompensated, RUN.hookStatus, RUN.handBacks, RUN.blockedMs, RUN.reservedFor)
call('HDEL', data, 'e', 'cx', 'fe')
call('HSET', key, RUN.status, STATUS.queued, RUN.availableAt, now_text, RUN.trigger, 'retry', RUN.retryNonce, nonce)
if version ~= '' then call('HSET', key, RUN.version, version) end
local pinned = version ~= '' and version or run.version
if pinned then count_open(run.workflow, 'v' .. pinned, 1) end
if run.patched then count_patches(id, run.workflow, 1) end
keep_start(id, nonce)
-- Its entry in `ended` or `packed` stays there until it is met.
call('HINCRBY', key, RUN.staleEntries, 1)
move(id, run.workflow, run.queue, run.stamp, status, STATUS.queued)
enqueue(id, run.queue, tonumber(run.priority or 0), 0)
wake(run.queue, id)
return 'OK'
