-- finish_run: writes the terminal state, once, and tells who waits for it.
-- ARGS
--   id
--   fence
--   outcome          s succeeded, f failed
--   payload          encoded output, or error
-- RETURNS OK | DONE | LOST
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return state end
guarded[id] = nil
local key = run_key(id)
local data = data_key(id)
if outcome == 'f' then
  call('HSET', key, 'st', 'f', 'fa', now_text, 'n', tonumber(run[4] or 0) + 1)
  call('HSET', data, 'e', payload)
else
  call('HSET', key, 'st', outcome, 'fa', now_text)
  if payload ~= '' then call('HSET', data, 'o', payload) end
  if run[4] then call('HDEL', data, 'e') end
end
-- The history of a run that ended in its first pass can be told from the run itself.
if run[6] then record_pass(id, run[4], outcome, run[6], run[3], outcome == 'f' and payload) end
disown(run[3], id)
ended[#ended + 1] = now_text
ended[#ended + 1] = id
if run[5] then
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
if run[8] then unlisten_all(id) end
return 'OK'
