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
local run = call('HMGET', key, 'st', 'fa', 'rn', 'hk', 'co', 'fh', 'fc', 'cr', 'wf', 'q', 'pr', 'cs', 'n', 'w', 'sa', 've', 'pd')
local status = run[1]
if not status or run[4] then return 'MISSING' end
if run[3] == nonce then return 'OK' end
if status == 's' then return 'succeeded' end
if status ~= 'f' and status ~= 'c' then return 'not_ended' end
if run[5] then return 'compensated' end
-- One that was canceled before its filter was asked is delivered yet.
if run[7] and not run[8] then return 'undelivered' end
if run[6] == 'p' then return 'hook_pending' end
if run[8] and call('EXISTS', ROOT .. 'canceling') == 1 then return 'CANCELING' end
if run[2] ~= seen then return 'CHANGED' end
expand(id)

-- The pass of a run that ended in its first one is only now to be told from the passes that follow.
if run[15] and call('EXISTS', ROOT .. 'passes:' .. id) == 0 then
  local failures = tonumber(run[13] or 0)
  if status == 'f' then failures = failures - 1 end
  record_pass(id, failures, status, run[15], run[14], status == 'f' and call('HGET', data, 'e'), run[2])
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
if run[15] then call('HSET', key, 'ca', now_text) end
-- The nonce of its cancellation and its failure hook are left: their calls may still be repeated.
call('HDEL', key, 'n', 'rc', 'rs', 'sa', 'fa', 'rb', 'cr', 'nc', 'fh', 'hb', 'bt', 'on')
call('HDEL', data, 'e', 'cx', 'fe')
call('HSET', key, 'st', 'q', 'av', now_text, 'tr', 'retry', 'rn', nonce)
if version ~= '' then call('HSET', key, 've', version) end
local pinned = version ~= '' and version or run[16]
if pinned then count_open(run[9], 'v' .. pinned, 1) end
if run[17] then count_patches(id, run[9], 1) end
keep_start(id, nonce)
-- Its entry in `ended` or `packed` stays there until it is met.
call('HINCRBY', key, 'se', 1)
move(id, run[9], run[10], run[12], status, 'q')
enqueue(id, run[10], tonumber(run[11] or 0), 0)
wake(run[10], id)
return 'OK'
