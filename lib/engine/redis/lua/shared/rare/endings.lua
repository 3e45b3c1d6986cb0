-- The error of a canceled run, as it is told to those who wait for its end; with `hook`, that of the run's failure hook.
local function canceled_error(id, hook)
  local reason = data_field(hook or id, 'cx')
  local message = (hook and 'The failure hook of run "' or 'Run "') .. id .. '" was canceled'
  local text = '{"name":"RunCanceledError","code":"RUN_CANCELED","message":'
    .. cjson.encode(message .. (reason and ': ' .. reason or '.')) .. ',"runId":' .. cjson.encode(id)
  if reason then text = text .. ',"reason":' .. cjson.encode(reason) end
  return text .. '}'
end

-- Queues the failure hook of a run: a run of its own for the machinery, but in no list. What it does is kept with the failed run.
local function start_hook(id, hook)
  local run = call('HMGET', run_key(id), 'wf', 'q', 'pr', 'tr', 'ro', 've', 'tg')
  local fields = {
    'wf', run[1], 'q', run[2], 'st', 'q', 'av', now, 'ma', 3, 'hk', id, 'ro', run[5] or id,
    'hs', string.format('%.0f', next_counter('created')), 'rb', now_text,
  }
  local optional = { pr = run[3], tr = run[4], ve = run[6], tg = run[7] }
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
  call('HSET', run_key(id), 'fh', 'p', 'hi', hook)
  if run[6] then count_open(run[1], 'h' .. run[6], 1) end
  call('RPUSH', ROOT .. 'hooks', hook)
  enqueue(hook, run[2], tonumber(run[3] or 0), 0)
  wake(run[2], hook)
end

-- Ends the failure hook of a run: canceled if that was requested, whatever it came to. It leaves nothing behind but its outcome. The
-- retention of the run begins.
local function end_hook(hook, run, failed, outcome, payload)
  guarded[hook] = nil
  if run[9] then
    outcome, payload = 'f', canceled_error(failed, hook)
  end
  if run[8] then unlisten_all(hook) end
  if run[14] then count_open(run[10], 'h' .. run[14], -1) end
  local known = call('HMGET', run_key(failed), 'hi', 'pd')
  if known[1] == hook then
    if known[2] then count_patches(failed, run[10], -1) end
    call('HSET', run_key(failed), 'fh', outcome, 'rb', now_text)
    if payload ~= '' then call('HSET', data_key(failed), 'fe', payload) end
    ended[#ended + 1] = failed
  end
  call('UNLINK', run_key(hook), data_key(hook), ROOT .. 'passes:' .. hook, ROOT .. 'listening:' .. hook)
end

-- Queues a run that nobody executes to unwind: its next pass runs the compensations and then writes the outcome, f or c.
local function unwind(id, run, outcome)
  guarded[id] = nil
  move(id, run[10], run[11], run[12], run[1], 'q')
  local key = run_key(id)
  call('HSET', key, 'st', 'q', 'co', outcome, 'av', now)
  call('HDEL', key, 'rs')
  if run[8] then unlisten_all(id) end
  enqueue(id, run[11], tonumber(call('HGET', key, 'pr') or 0), 0, true)
  keep_slot(id, run[11], run[13])
  wake(run[11], id)
end

-- Whether completed steps are to be undone before a cancellation is final.
local function compensates(run) return run.compensable and not run.kept end

-- Ends a run, or a failure hook, whose cancellation was requested, once nobody executes it; its compensations come first.
local function end_canceled(id, run)
  local failed = call('HGET', run_key(id), 'hk')
  if failed then
    end_hook(id, run, failed)
  elseif compensates(run) then
    unwind(id, run, 'c')
  else
    terminate(id, run, 'c')
  end
end

-- What becomes of a running run whose cancellation was requested when its pass ends, however it ends.
local function settle_canceled(id, run)
  -- The history of a run that ended in its first pass can be told from the run itself.
  local since = run[6] or compensates(run) and call('HGET', run_key(id), 'sa')
  if since then record_pass(id, run[4], 'c', since, run[3]) end
  call('SREM', ROOT .. 'owned:' .. run[3], id)
  end_canceled(id, run)
end
