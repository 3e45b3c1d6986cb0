-- Gives a wait the oldest event of its place that the run has not had yet: each event once, in order. Answers TAKEN, NONE if there
-- is no such event, or OVER if the wait has ended, its time has run out, or its run is gone: then there is no `since`.
local function take_mail(id, step, branch, place, since)
  if not since then return 'OVER' end
  local cursor = 'k:' .. place
  local seen = call('HGET', data_key(id), cursor)
  if seen and tonumber(seen) > since then since = tonumber(seen) end
  local mail = call('ZRANGEBYSCORE', ROOT .. 'mail:' .. place, '(' .. string.format('%.0f', since), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if not mail[1] then return 'NONE' end
  if not deliver(id, step, branch, STEP_STATUS.fulfilled, received(mail[1]), 'e') then return 'OVER' end
  call('HSET', data_key(id), cursor, mail[2])
  call('RPUSH', ROOT .. 'resumed:' .. mail[1], id)
  call('HINCRBY', event_key(mail[1]), EVENT.resumed, 1)
  return 'TAKEN'
end

-- When a run was created. That of a failure hook has its stamp in a field of its own, since it is in no list.
local function stamp_of(id)
  local stamps = call('HMGET', run_key(id), RUN.stamp, RUN.hookStamp)
  return tonumber(stamps.stamp or stamps.hookStamp)
end

-- The stamp after which events count for a wait.
local function since_of(id, lookback, registered)
  if lookback == 'none' then return registered end
  return stamp_of(id)
end

-- Registers a wait for an event, unless one that it may have is there already. Answers whether it is over. Where a step listens is kept
-- once all its branches do: see keep_listening().
local function listen(id, step, branch, name, key, lookback, entries)
  local place = place_of(name, key)
  local registered = next_counter('created')
  if take_mail(id, step, branch, place, since_of(id, lookback, registered)) == 'TAKEN' then return true end
  local member = (lookback == 'none' and 'n' or 'r') .. wait_member(id, step, branch)
  call('ZADD', ROOT .. 'listeners:' .. place, registered, member)
  entries[#entries + 1] = { place, member }
  return false
end
local function keep_listening(id, step, entries)
  if #entries == 0 then return end
  call('HSET', ROOT .. 'listening:' .. id, step, cjson.encode(entries))
  call('HSET', run_key(id), RUN.listened, 1)
end

-- Offers the mail of a place to waits registered before `stamp`, a bounded number. Answers whether some are left.
local function wake_listeners(place, stamp)
  local listeners = ROOT .. 'listeners:' .. place
  local before = '(' .. string.format('%.0f', stamp)
  local waiting = call('ZRANGEBYSCORE', listeners, '-inf', before, 'WITHSCORES', 'LIMIT', 0, EVENTS_PER_CALL)
  for i = 1, #waiting, 2 do
    local id, step, branch = read_wait_member(string.sub(waiting[i], 2))
    local registered = tonumber(waiting[i + 1])
    local lookback = string.sub(waiting[i], 1, 1) == 'n' and 'none' or 'run'
    local answer = take_mail(id, step, branch, place, since_of(id, lookback, registered))
    -- Its time has run out, and its run is yet to write so.
    if answer == 'OVER' then call('ZREM', listeners, waiting[i]) end
    -- Another wait of the run has had the event: this one waits for the next, as if registered now, unless it was over with the other.
    if answer == 'NONE' then call('ZADD', listeners, 'XX', next_counter('created'), waiting[i]) end
  end
  return #waiting == EVENTS_PER_CALL * 2 and call('ZCOUNT', listeners, '-inf', before) > 0
end
