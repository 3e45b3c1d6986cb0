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
  if call('EXISTS', ROOT .. 'parents:' .. id) == 1 and not rare().deliver_ends(id, outcome, payload) then
    rare().end_later(id)
  else
    call('HDEL', key, 'nw')
  end
end

-- Writes the terminal state of a run, which the caller has checked that it may, and tells who waits for it. `run` is what guard()
-- answers; `payload` the encoded output of s, or error of f; `hook` the id of the run that a failure starts, if any. Its retention
-- begins when that has ended.
local function terminate(id, run, outcome, payload, hook)
  guarded[id] = nil
  move(id, run[10], run[11], run[12], run[1], outcome)
  local key, data = run_key(id), data_key(id)
  if outcome == 'c' then payload = rare().canceled_error(id) end
  if outcome == 'f' then
    call('HSET', key, 'st', 'f', 'fa', now_text, 'n', failures_before(run) + 1)
    call('HSET', data, 'e', payload)
  else
    call('HSET', key, 'st', outcome, 'fa', now_text)
    if outcome == 's' and payload ~= '' then call('HSET', data, 'o', payload) end
    if run[4] then call('HDEL', data, 'e') end
  end
  if run[14] then count_open(run[10], 'v' .. run[14], -1) end
  if outcome == 'f' and hook and hook ~= '' then
    rare().start_hook(id, hook)
  else
    if run[15] then rare().count_patches(id, run[10], -1) end
    ended[#ended + 1] = id
  end
  if run[5] then announce_end(id, run[10], outcome, payload) end
  if run[8] and not rare().unlisten_some(id) then rare().end_later(id) end
  if run[13] then rare().give_back(id, run[13], 'mtc') end
end
