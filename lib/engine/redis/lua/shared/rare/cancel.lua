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
  local status = run[1]
  read_fate(id, run)
  local cold = call('HMGET', key, 'cn', 'hk', 'db')
  -- A failure hook is no run to those outside.
  if not status or cold[2] then return { 'MISSING', '' } end
  if nonce ~= '' and cold[1] == nonce then return { 'YES', status } end
  if status == 's' or status == 'f' or status == 'c' or run[9] or run.unwinding then return { 'NO', status } end
  call('HSET', key, 'cr', now_text)
  run[9] = now_text
  if nonce ~= '' then call('HSET', key, 'cn', nonce) end
  if compensate == '0' then
    call('HSET', key, 'nc', 1)
    run.kept = '1'
  end
  if reason ~= '' then call('HSET', data_key(id), 'cx', reason) end
  cancel_children(id, compensate, id)
  if status == 'r' then
    -- A hint, as resume() gives it: the worker also looks by itself.
    resume(id)
    return { 'YES', status }
  end
  leave_queue(id, run[11])
  if cold[3] then end_debounce(id, run[10], cold[3]) end
  end_canceled(id, run)
  return { 'YES', call('HGET', key, 'st') }
end

-- Cancels the failure hook of a run that has failed, as request_cancel does a run. The run stays failed.
local function request_hook_cancel(id, reason, nonce)
  local failed = call('HMGET', run_key(id), 'st', 'hk', 'fh', 'hi', 'cn')
  local status, hook = failed[1], failed[4]
  if not status or failed[2] then return { 'MISSING', '' } end
  if failed[5] == nonce then return { 'YES', status } end
  local run = failed[3] == 'p' and call('HMGET', run_key(hook), unpack(GUARDED))
  if not run or not run[1] or run[9] then return { 'NO', status } end
  call('HSET', run_key(id), 'cn', nonce)
  call('HSET', run_key(hook), 'cr', now_text)
  run[9] = now_text
  if reason ~= '' then call('HSET', data_key(hook), 'cx', reason) end
  if run[1] == 'r' then
    resume(hook)
  else
    leave_queue(hook, run[11])
    end_hook(hook, run, id)
  end
  return { 'YES', status }
end
