-- The error of a canceled run, as it is told to those who wait for its end.
local function canceled_error(id)
  local reason = call('HGET', data_key(id), 'cx')
  local message = 'Run "' .. id .. '" was canceled'
  local text = '{"name":"RunCanceledError","code":"RUN_CANCELED","message":'
    .. cjson.encode(message .. (reason and ': ' .. reason or '.')) .. ',"runId":' .. cjson.encode(id)
  if reason then text = text .. ',"reason":' .. cjson.encode(reason) end
  return text .. '}'
end

-- Tells clients and runs that wait for the end of a run.
local function announce_end(id, outcome, payload)
  local key = run_key(id)
  local waiters = ROOT .. 'waiters:' .. id
  -- Long payloads are fetched by those who want them: a message goes to every waiting client.
  local workflow = call('HGET', key, 'wf')
  local message = #id .. ':' .. #workflow .. ':' .. id .. workflow .. outcome .. (#payload <= 16384 and ('=' .. payload) or '?')
  for _, channel in ipairs(call('SMEMBERS', waiters)) do
    call('PUBLISH', ROOT .. 'ended:' .. channel, message)
  end
  local parents = ROOT .. 'parents:' .. id
  for _, member in ipairs(call('SMEMBERS', parents)) do deliver_end(id, member, outcome, payload) end
  call('DEL', waiters, parents)
  call('HDEL', key, 'nw')
end

-- Writes the terminal state of a run, which the caller has checked that it may, and tells who waits for it. `run` is what guard()
-- answers; `payload` the encoded output of s, or error of f and c.
local function terminate(id, run, outcome, payload)
  guarded[id] = nil
  local key, data = run_key(id), data_key(id)
  if outcome == 'f' then
    call('HSET', key, 'st', 'f', 'fa', now_text, 'n', tonumber(run[4] or 0) + 1)
    call('HSET', data, 'e', payload)
  else
    call('HSET', key, 'st', outcome, 'fa', now_text)
    if outcome == 's' and payload ~= '' then call('HSET', data, 'o', payload) end
    if run[4] then call('HDEL', data, 'e') end
  end
  ended[#ended + 1] = now_text
  ended[#ended + 1] = id
  if run[5] then announce_end(id, outcome, payload) end
  if run[8] then unlisten_all(id) end
end

-- Ends a run whose cancellation was requested, once nobody executes it.
local function end_canceled(id, run)
  terminate(id, run, 'c', canceled_error(id))
end

-- What becomes of a running run whose cancellation was requested when its pass ends, however it ends.
local function settle_canceled(id, run)
  -- The history of a run that ended in its first pass can be told from the run itself.
  if run[6] then record_pass(id, run[4], 'c', run[6], run[3]) end
  disown(run[3], id)
  end_canceled(id, run)
end
