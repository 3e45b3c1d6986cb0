-- Whether a subscription pattern matches an event's name: * is one segment, a last ** any number.
local function pattern_matches(pattern, name)
  local wanted, given = {}, {}
  for segment in string.gmatch(pattern .. '.', '([^.]*)%.') do wanted[#wanted + 1] = segment end
  for segment in string.gmatch(name .. '.', '([^.]*)%.') do given[#given + 1] = segment end
  for i, segment in ipairs(wanted) do
    if segment == '**' and i == #wanted then return true end
    if not given[i] or (segment ~= '*' and segment ~= given[i]) then return false end
  end
  return #wanted == #given
end

-- Names of the workflows that workers have subscribed to an event, as keys.
local function subscribers_of(name)
  local names = {}
  local function add(pattern)
    for _, workflow in ipairs(call('SMEMBERS', ROOT .. 'subscribers:' .. pattern)) do names[workflow] = true end
  end
  add(name)
  for _, pattern in ipairs(call('SMEMBERS', ROOT .. 'wildcards')) do
    if pattern_matches(pattern, name) then add(pattern) end
  end
  return names
end

local function subscriber_run(id, workflow) return redis.sha1hex(id .. '\0' .. workflow) end

-- Creates one subscriber's run, or notes why there is none. `sub` is { w workflow, v verdict, e error, q, p, a, t, j, ad }: the
-- verdict is d delivered, s skipped, f failed, or ? for the first worker to find out. Answers the run's id, if there is one.
local function deliver_event(id, sub, data)
  local verdict, run, detail = sub.v, '', sub.e
  if verdict == 'd' or verdict == '?' then
    local event = call('HMGET', event_key(id), EVENT.name, EVENT.ts, EVENT.correlationKey, EVENT.headers)
    run = subscriber_run(id, sub.w)
    local extra = { RUN.trigger, 'event', RUN.eventId, id }
    if verdict == '?' then
      extra[#extra + 1] = RUN.unjudged
      extra[#extra + 1] = 1
    end
    local created = create({
      id = run, nonce = '', workflow = sub.w, queue = sub.q, priority = sub.p, attempts = sub.a, tags = sub.t, judged = sub.j,
      at = '', delay = 0, idempotency = '', ttl = 0, input = data, admission = sub.ad,
      headers = event.headers, extra = extra,
    })
    if created[1] == 'CREATED' or created[1] == 'COALESCED' then
      run = created[2]
      call('HSET', data_key(run), 'ev', envelope_of(id, event))
      verdict, detail = 'd', ''
    elseif created[1] == 'LIMITED' then
      verdict, run, detail = 'f', '', limited_error(sub.w, cjson.decode(sub.ad), created[3])
    else
      verdict, run = 'f', ''
      detail = ERROR.IdempotencyConflictError .. '"The run id of this delivery belongs to another workflow."}'
    end
  end
  call('HSET', ROOT .. 'deliveries:' .. id, sub.w, verdict .. ':' .. run .. ';' .. detail)
  if verdict ~= 's' then call('HINCRBY', event_key(id), verdict .. 'c', 1) end
  return run ~= '' and run or nil
end

-- What became of the fan-out: n no subscribers, c complete, x partial, f failed.
local function settle_fanout(id)
  local counts = call('HMGET', event_key(id), EVENT.subscribers, EVENT.failed)
  local subscribers, failed = tonumber(counts.subscribers), tonumber(counts.failed or 0)
  local status = 'c'
  if subscribers == 0 then status = 'n'
  elseif failed == subscribers then status = 'f'
  elseif failed > 0 then status = 'x' end
  call('HSET', event_key(id), EVENT.fanOutStatus, status)
end

-- A worker says what became of the delivery that a run was created for, if that was for an event, which is gone where the retention is
-- shorter than the wait for a worker.
local function settle_late(id, workflow, status, run, failure)
  local origin = call('HGET', run_key(id), RUN.eventId)
  if not origin or call('EXISTS', event_key(origin)) == 0 then return end
  call('HSET', ROOT .. 'deliveries:' .. origin, workflow, status .. ':' .. run .. ';' .. failure)
  if status == 'd' then return end
  call('HINCRBY', event_key(origin), EVENT.delivered, -1)
  if status == 'f' then call('HINCRBY', event_key(origin), EVENT.failed, 1) end
  if call('HGET', event_key(origin), EVENT.fanOutStatus) ~= 'p' then settle_fanout(origin) end
end

-- Goes on with an event: at most `quota` subscribers, and a bounded number of waits. Answers whether there is more to do.
local function go_on(id, quota)
  local key = event_key(id)
  local event = call('HMGET', key, EVENT.name, EVENT.correlationKey, EVENT.stamp, EVENT.data, EVENT.fanOutStatus)
  if not event.name then
    call('SREM', ROOT .. 'pending', id)
    return false
  end
  local more = false
  if event.fanOutStatus == 'p' then
    local fanout = ROOT .. 'fanout:' .. id
    for _ = 1, quota do
      local sub = call('LPOP', fanout)
      if not sub then break end
      deliver_event(id, cjson.decode(sub), event.data or '')
    end
    if call('EXISTS', fanout) == 1 then more = true else settle_fanout(id) end
  end
  if event.correlationKey and wake_listeners(place_of(event.name, event.correlationKey), tonumber(event.stamp)) then more = true end
  if more then
    call('SADD', ROOT .. 'pending', id)
  elseif quota > 0 then
    call('SREM', ROOT .. 'pending', id)
  end
  return more
end
