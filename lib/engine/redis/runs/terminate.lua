-- Tells clients and runs that wait for the end of a run.
local function announce_end(id, workflow, outcome, payload)
  local key = run_key(id)
  local waiters = ROOT .. 'waiters:' .. id
  -- Long payloads are fetched by those who want them: a message goes to every waiting client.
  local message = #id .. ':' .. #workflow .. ':' .. id .. workflow .. outcome .. (#payload <= 16384 and ('=' .. payload) or '?')
  for _, channel in ipairs(call('SMEMBERS', waiters)) do
    -- A hint: whoever awaits the run asks for it anyway, so a refusal ends nothing half-way.
    redis.pcall('PUBLISH', ROOT .. 'ended:' .. channel, message)
  end
  call('DEL', waiters)
  if call('EXISTS', ROOT .. 'parents:' .. id) == 1 and not deliver_ends(id, outcome, payload) then
    end_later(id)
  else
    call('HDEL', key, RUN.awaited)
  end
end

-- Writes the terminal state of a run, which the caller has checked that it may, and tells who waits for it. `run` is what guard()
-- answers; `payload` the encoded output of s, or error of f; `hook` the id of the run that a failure starts, if any. Its retention
-- begins when that has ended.
local function terminate(id, run, outcome, payload, hook)
  guarded[id] = nil
  move(id, run.workflow, run.queue, run.stamp, run.status, outcome)
  local key, data = run_key(id), data_key(id)
  if outcome == STATUS.canceled then payload = canceled_error(id) end
  if outcome == STATUS.failed then
    call('HSET', key, RUN.status, STATUS.failed, RUN.finishedAt, now_text, RUN.failures, failures_before(run) + 1)
    call('HSET', data, 'e', payload)
  else
    call('HSET', key, RUN.status, outcome, RUN.finishedAt, now_text)
    if outcome == STATUS.succeeded and payload ~= '' then call('HSET', data, 'o', payload) end
    if run.failures then call('HDEL', data, 'e') end
  end
  if run.version then count_open(run.workflow, 'v' .. run.version, -1) end
  if outcome == STATUS.failed and hook and hook ~= '' then
    start_hook(id, hook)
  else
    if run.patched then count_patches(id, run.workflow, -1) end
    ended[#ended + 1] = id
  end
  if run.awaited then announce_end(id, run.workflow, outcome, payload) end
  if run.listened and not unlisten_some(id) then end_later(id) end
  if run.held then give_back(id, run.held, 'mtc') end
end
