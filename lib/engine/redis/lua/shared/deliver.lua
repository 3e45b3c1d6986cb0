-- Lets a parked run go on, or tells the worker that executes it. One that waits for its backoff stays where it is.
local function resume(id)
  local key = run_key(id)
  local run = call('HMGET', key, 'st', 'q', 'pr', 'rs', 'w')
  if run[1] == 'w' then
    call('ZREM', ROOT .. 'due', id)
    call('HSET', key, 'st', 'q', 'av', now)
    enqueue(id, run[2], tonumber(run[3] or 0), run[4])
    wake(run[2])
  elseif run[1] == 'r' then
    call('LPUSH', ROOT .. 'wake:' .. run[5], 'run:' .. id)
    call('PEXPIRE', ROOT .. 'wake:' .. run[5], 60000)
  end
end

-- Ends a wait of a run from outside: d with a value, k with an error. The run's next pass gives it its place in the order of
-- completion. Nothing happens to a wait that is over, or whose time has run out.
local function deliver(id, step, status, payload)
  local field = 's:' .. step
  local record = call('HGET', data_key(id), field)
  if not record then return false end
  local kind, since, moment = string.match(record, '^(%a),w,%d+,%d+,%d+,(%d+),(%d+);')
  if not kind or (moment ~= '0' and tonumber(moment) <= now) then return false end
  call('HSET', data_key(id), field, kind .. ',' .. status .. ',0,1,0,' .. since .. ',' .. now_text .. ';' .. payload)
  resume(id)
  return true
end
