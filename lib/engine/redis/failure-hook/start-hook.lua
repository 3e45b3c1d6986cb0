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
