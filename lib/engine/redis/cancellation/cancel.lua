-- Marks a run whose descendants are to be canceled: canceling holds, by run, <stamp of the last child seen>,<compensate>,<canceled run>.
local function cancel_children(id, compensate, canceled)
  if call('EXISTS', children_key(id)) == 1 then
    call('HSETNX', ROOT .. 'canceling', id, '0,' .. compensate .. ',' .. canceled)
  end
end

-- Takes a run that nobody executes out of where it waits.
local function leave_queue(id, queue)
  call('ZREM', ROOT .. 'due', id)
  unqueue(id, queue)
  leave_line(id)
  blocks.unblock(id)
end

-- Cancels one run. A running one ends when its pass does; any other at once. Answers { YES | NO, status } or { MISSING }. The nonce
-- tells a repeat of the call that decided it from a second cancellation.
local function request_cancel(id, reason, compensate, nonce)
  local key = run_key(id)
  local run = call('HMGET', key, unpack(GUARDED))
  local status = run.status
  read_fate(id, run)
  local cold = call('HMGET', key, RUN.cancelNonce, RUN.hookOf, RUN.debounceKey)
  -- A failure hook is no run to those outside.
  if not status or cold.hookOf then return { 'MISSING', '' } end
  if nonce ~= '' and cold.cancelNonce == nonce then return { 'YES', status } end
  if ENDED[status] or run.cancelRequestedAt or run.unwinding then return { 'NO', status } end
  call('HSET', key, RUN.cancelRequestedAt, now_text)
  run.cancelRequestedAt = now_text
  if nonce ~= '' then call('HSET', key, RUN.cancelNonce, nonce) end
  if compensate == '0' then
    call('HSET', key, RUN.uncompensated, 1)
    run.uncompensated = '1'
  end
  if reason ~= '' then call('HSET', data_key(id), 'cx', reason) end
  cancel_children(id, compensate, id)
  if status == STATUS.running then
    -- A hint, as resume() gives it: the worker also looks by itself.
    resume(id)
    return { 'YES', status }
  end
  leave_queue(id, run.queue)
  if cold.debounceKey then end_debounce(id, run.workflow, cold.debounceKey) end
  end_canceled(id, run)
  return { 'YES', call('HGET', key, RUN.status) }
end

-- Cancels the failure hook of a run that has failed, as request_cancel does a run. The run stays failed.
local function request_hook_cancel(id, reason, nonce)
  local failed = call('HMGET', run_key(id), RUN.status, RUN.hookOf, RUN.hookStatus, RUN.hookRunId, RUN.cancelNonce)
  local status, hook = failed.status, failed.hookRunId
  if not status or failed.hookOf then return { 'MISSING', '' } end
  if failed.cancelNonce == nonce then return { 'YES', status } end
  local run = failed.hookStatus == 'p' and call('HMGET', run_key(hook), unpack(GUARDED))
  if not run or not run.status or run.cancelRequestedAt then return { 'NO', status } end
  call('HSET', run_key(id), RUN.cancelNonce, nonce)
  call('HSET', run_key(hook), RUN.cancelRequestedAt, now_text)
  run.cancelRequestedAt = now_text
  if reason ~= '' then call('HSET', data_key(hook), 'cx', reason) end
  if run.status == STATUS.running then
    resume(hook)
  else
    leave_queue(hook, run.queue)
    end_hook(hook, run, id)
  end
  return { 'YES', status }
end
