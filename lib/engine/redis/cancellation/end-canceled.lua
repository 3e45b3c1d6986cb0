-- The error of a canceled run, as it is told to those who wait for its end; with `hook`, that of the run's failure hook.
local function canceled_error(id, hook)
  local reason = data_field(hook or id, 'cx')
  local message = (hook and 'The failure hook of run "' or 'Run "') .. id .. '" was canceled'
  local text = ERROR.RunCanceledError .. cjson.encode(message .. (reason and ': ' .. reason or '.')) .. ',"runId":' .. cjson.encode(id)
  if reason then text = text .. ',"reason":' .. cjson.encode(reason) end
  return text .. '}'
end

-- Queues the failure hook of a run: a run of its own for the machinery, but in no list. What it does is kept with the failed run.
local function start_hook(id, hook)
  local run = call('HMGET', run_key(id), RUN.workflow, RUN.queue, RUN.priority, RUN.trigger, RUN.rootRunId, RUN.version, RUN.tags)
  local fields = {
    RUN.workflow, run.workflow, RUN.queue, run.queue, RUN.status, STATUS.queued, RUN.availableAt, now, RUN.maxAttempts, 3, RUN.hookOf, id,
      RUN.rootRunId, run.rootRunId or id,
    RUN.hookStamp, string.format('%.0f', next_counter('created')), RUN.retainedFrom, now_text,
  }
  local optional = {
    [RUN.priority] = run.priority, [RUN.trigger] = run.trigger, [RUN.version] = run.version, [RUN.tags] = run.tags,
  }
  for field, value in pairs(optional) do
    if value then
      fields[#fields + 1] = field
      fields[#fields + 1] = value
    end
  end
  call('HSET', run_key(hook), unpack(fields))
  -- It sees the input as the handler did, and gets the answers that the handler got.
  local names = { 'x', 'is', 'ip', 'pa' }
  for i, value in ipairs(call('HMGET', data_key(id), unpack(names))) do
    if value then call('HSET', data_key(hook), names[i], value) end
  end
  call('HSET', run_key(id), RUN.hookStatus, 'p', RUN.hookRunId, hook)
  if run.version then count_open(run.workflow, 'h' .. run.version, 1) end
  call('RPUSH', ROOT .. 'hooks', hook)
  enqueue(hook, run.queue, tonumber(run.priority or 0), 0)
  wake(run.queue, hook)
end

-- Ends the failure hook of a run: canceled if that was requested, whatever it came to. It leaves nothing behind but its outcome. The
-- retention of the run begins.
local function end_hook(hook, run, failed, outcome, payload)
  guarded[hook] = nil
  if run.cancelRequestedAt then
    outcome, payload = STATUS.failed, canceled_error(failed, hook)
  end
  if run.listened then unlisten_all(hook) end
  if run.version then count_open(run.workflow, 'h' .. run.version, -1) end
  local known = call('HMGET', run_key(failed), RUN.hookRunId, RUN.patched)
  if known.hookRunId == hook then
    if known.patched then count_patches(failed, run.workflow, -1) end
    call('HSET', run_key(failed), RUN.hookStatus, outcome, RUN.retainedFrom, now_text)
    if payload ~= '' then call('HSET', data_key(failed), 'fe', payload) end
    ended[#ended + 1] = failed
  end
  call('UNLINK', run_key(hook), data_key(hook), ROOT .. 'passes:' .. hook, ROOT .. 'listening:' .. hook)
end

-- Queues a run that nobody executes to unwind: its next pass runs the compensations and then writes the outcome, f or c.
local function unwind(id, run, outcome)
  guarded[id] = nil
  move(id, run.workflow, run.queue, run.stamp, run.status, STATUS.queued)
  local key = run_key(id)
  call('HSET', key, RUN.status, STATUS.queued, RUN.unwinding, outcome, RUN.availableAt, now)
  call('HDEL', key, RUN.recoveryStreak)
  if run.listened then unlisten_all(id) end
  enqueue(id, run.queue, tonumber(call('HGET', key, RUN.priority) or 0), 0, true)
  keep_slot(id, run.queue, run.held)
  wake(run.queue, id)
end

-- Whether completed steps are to be undone before a cancellation is final.
local function compensates(run) return run.compensable and not run.uncompensated end

-- Ends a run, or a failure hook, whose cancellation was requested, once nobody executes it; its compensations come first.
local function end_canceled(id, run)
  local failed = call('HGET', run_key(id), RUN.hookOf)
  if failed then
    end_hook(id, run, failed)
  elseif compensates(run) then
    unwind(id, run, STATUS.canceled)
  else
    terminate(id, run, STATUS.canceled)
  end
end

-- What becomes of a running run whose cancellation was requested when its pass ends, however it ends.
local function settle_canceled(id, run)
  -- The history of a run that ended in its first pass can be told from the run itself.
  local since = run.claimedAt or compensates(run) and call('HGET', run_key(id), RUN.startedAt)
  if since then record_pass(id, run.failures, 'c', since, run.workerId) end
  call('SREM', ROOT .. 'owned:' .. run.workerId, id)
  end_canceled(id, run)
end
