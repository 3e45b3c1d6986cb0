-- What a new run is subject to, by its workflow's options: JSON with m mutex key, t throttle and r rate limit as [limit, ms, key], d
-- debounce as [ms, timeout in ms or 0, key]. Keys are the user's text, of any content. A creator that does not know the options says ?.

-- So long a repeat of a create finds what became of it. Clients give up on a call after 10 s.
local MERGED_FOR_MS = 60000

-- With numbers that are some, so that nothing fails half-way.
local function read_limits(text)
  local limits = cjson.decode(text)
  for _, letter in ipairs({ 't', 'r', 'd' }) do
    if limits[letter] then
      finite(limits[letter][1])
      finite(limits[letter][2])
    end
  end
  return limits
end

-- The fields by which the claim knows the gates of a run.
local function keep_gates(limits, keep)
  if limits.m then keep(RUN.mutex, limits.m) end
  local throttle = limits.t
  if throttle then keep(RUN.throttle, string.format('%.0f,%.0f,', throttle[1], throttle[2]) .. throttle[3]) end
end

local function rate_key(workflow, limits) return scoped('rate', workflow, limits.r[3]) end

-- Ms until the rate limit takes one more run, nil if it does now; `ahead` others are about to come before it. A run counts for less than
-- the period.
local function limited_for(workflow, limits, ahead)
  if not limits.r then return nil end
  local limit, period = limits.r[1], limits.r[2]
  local window, since = rate_key(workflow, limits), '(' .. string.format('%.0f', now - period)
  local count = call('ZCOUNT', window, since, '+inf')
  if count + ahead < limit then return nil end
  local blocking = call('ZRANGEBYSCORE', window, since, '+inf', 'WITHSCORES', 'LIMIT', count + ahead - limit, 1)
  return (blocking[2] and tonumber(blocking[2]) or now) + period - now
end
local function count_for_limit(id, workflow, limits)
  if not limits.r then return end
  local window, period = rate_key(workflow, limits), limits.r[2]
  call('ZREMRANGEBYSCORE', window, '-inf', string.format('%.0f', now - period))
  call('ZADD', window, now_text, id)
  call('PEXPIRE', window, string.format('%.0f', period))
end

-- The error of a run that the rate limit does not take, as RateLimitedError says it.
local function limited_error(workflow, limits, wait)
  local limit, period, key = string.format('%.0f', limits.r[1]), string.format('%.0f', limits.r[2]), limits.r[3]
  local message = 'Workflow "' .. workflow .. '" is over its rateLimit of ' .. limit .. ' per ' .. period .. ' ms'
    .. (key == '' and '' or ' for key "' .. key .. '"') .. '. Try again in ' .. wait .. ' ms.'
  return ERROR.RateLimitedError .. cjson.encode(message) .. ',"workflow":' .. cjson.encode(workflow)
    .. ',"key":' .. cjson.encode(key) .. ',"limit":' .. limit .. ',"period":' .. period .. ',"retryAfterMs":' .. wait .. '}'
end

-- The debounced run that new ones of a key still join, until it leaves its delay: nil if there is none.
local function pending_of(workflow, key)
  local id = call('GET', scoped('debounce', workflow, key))
  return id and call('HGET', run_key(id), RUN.status) == STATUS.scheduled and id or nil
end
local function begin_debounce(id, workflow, debounce, keep)
  call('SET', scoped('debounce', workflow, debounce[3]), id)
  keep(RUN.debounceKey, debounce[3])
  keep(RUN.debouncedAt, now_text)
end
local function end_debounce(id, workflow, key)
  call('HDEL', run_key(id), RUN.debounceKey, RUN.debouncedAt)
  local pending = scoped('debounce', workflow, key)
  if call('GET', pending) == id then call('DEL', pending) end
end

-- The run that a new one has joined: so a repeat does not bring back an input that another one has replaced.
local function merged_into(id) return call('GET', ROOT .. 'merged:' .. id) end

-- Gives a pending run what a new one came with: its input, and with that its gates and what says where it comes from, but it stays a child
-- if it is one. Its other options stay.
local function join(pending, run, limits)
  local key, data, debounce = run_key(pending), data_key(pending), limits.d
  local known = call('HMGET', key, RUN.queue, RUN.debouncedAt, RUN.parentRunId)
  local origin = {}
  for i = 1, #(run.extra or {}), 2 do origin[run.extra[i]] = run.extra[i + 1] end
  local at = now + debounce[1]
  if debounce[2] > 0 then at = math.max(now, math.min(at, tonumber(known.debouncedAt) + debounce[2])) end
  local fields = { RUN.availableAt, string.format('%.0f', at) }
  local function keep(field, value)
    fields[#fields + 1] = field
    fields[#fields + 1] = value
  end
  keep_gates(limits, keep)
  local large = large_payload(run)
  if large then keep(RUN.largeBytes, large) end
  for _, field in ipairs({ RUN.eventId, RUN.scheduleId, RUN.scheduledFor }) do
    if origin[field] then keep(field, origin[field]) end
  end
  if (run.judged or '') ~= '' then keep(RUN.judgedByVersion, run.judged) end
  call('HDEL', key, RUN.mutex, RUN.throttle, RUN.eventId, RUN.scheduleId, RUN.scheduledFor, RUN.largeBytes, RUN.judgedByVersion)
  if not known.parentRunId then
    call('HDEL', key, RUN.trigger)
    if origin[RUN.trigger] and origin[RUN.trigger] ~= 'child' then keep(RUN.trigger, origin[RUN.trigger]) end
  end
  call('HSET', key, unpack(fields))
  call('HDEL', data, 'i', 'ev', 'x')
  if run.input ~= '' then call('HSET', data, 'i', run.input) end
  if run.headers and run.headers ~= '' then call('HSET', data, 'x', run.headers) end
  set_due(pending, known.queue, at)
  call('SET', ROOT .. 'merged:' .. run.id, pending, 'PX', MERGED_FOR_MS)
end

-- Whether a new run is not to be made: what create() answers then.
local function turn_away(run, limits)
  local pending = limits.d and pending_of(run.workflow, limits.d[3])
  if pending then
    join(pending, run, limits)
    return { 'COALESCED', pending }
  end
  local wait = limited_for(run.workflow, limits, 0)
  if wait then return { 'LIMITED', run.id, string.format('%.0f', wait) } end
end

-- Counts a new run for what it is subject to, and keeps the fields that say so.
local function subject(id, workflow, limits, keep)
  count_for_limit(id, workflow, limits)
  keep_gates(limits, keep)
  if limits.d then begin_debounce(id, workflow, limits.d, keep) end
end

-- The first of several new runs that its rate limit would not take, and ms until it would; nil if all may come. What exists, by its id or
-- by its idempotency key, or is joined counts for nothing, also if one of them brings it into being.
local function find_limited(runs)
  local ahead, known = {}, {}
  for _, run in ipairs(runs) do
    local limits = run.admission ~= '' and run.admission ~= '?' and cjson.decode(run.admission)
    local claim = run.idempotency ~= '' and scoped('idem', run.workflow, run.idempotency)
    local fresh = limits and limits.r and call('EXISTS', run_key(run.id)) == 0
      and not (claim and (known[claim] or call('EXISTS', claim) == 1))
    if claim then known[claim] = true end
    if fresh and limits.d then
      local pending = scoped('debounce', run.workflow, limits.d[3])
      fresh = not (known[pending] or pending_of(run.workflow, limits.d[3]))
      known[pending] = true
    end
    if fresh then
      local window = rate_key(run.workflow, limits)
      local wait = limited_for(run.workflow, limits, ahead[window] or 0)
      if wait then return run.id, wait end
      ahead[window] = (ahead[window] or 0) + 1
    end
  end
end
