-- What the workers of an application declare: app:<app> holds one member per entry, its kind and key: w workflow, t subscription
-- (<bytes of the workflow>:<workflow><pattern>), s schedule. A member says where to look; whose an entry is, the entry says.
local function subscribe(trigger)
  local workflow, pattern = split_sized(trigger)
  call('SADD', ROOT .. 'subscribers:' .. pattern, workflow)
  if string.find(pattern, '*', 1, true) then call('SADD', ROOT .. 'wildcards', pattern) end
end
local function unsubscribe(trigger)
  local workflow, pattern = split_sized(trigger)
  call('SREM', ROOT .. 'subscribers:' .. pattern, workflow)
  if call('EXISTS', ROOT .. 'subscribers:' .. pattern) == 0 then call('SREM', ROOT .. 'wildcards', pattern) end
end

-- What runs of a workflow that begin from now on are pinned to, nil for nothing.
local function set_current(workflow, version)
  if version then
    call('HSET', ROOT .. 'controls', 'v' .. workflow, version)
  else
    call('HDEL', ROOT .. 'controls', 'v' .. workflow)
  end
end

-- Writes a workflow's metadata with the time at which it last changed.
local function register_workflow(name, meta, restoring)
  local known = call('HGET', ROOT .. 'workflows', name)
  if known and restoring then return end
  local body = string.sub(meta, 1, -2)
  if known and string.sub(known, 1, #body) == body and string.match(known, '^,"updatedAt":%d+}$', #body + 1) then return end
  call('HSET', ROOT .. 'workflows', name, body .. ',"updatedAt":' .. now_text .. '}')
  local declared = cjson.decode(meta)
  limit_slots(name, declared.maxConcurrency)
  set_current(name, declared.version)
end

-- `declared` is { wf, ex, tz, mi, ip, nx } as schedule:<id> has them. Answers the next instant, '' if another deployment has changed
-- the schedule since, and the application that had it before, '' for this one.
local function register_schedule(id, app, declared, restoring)
  finite(declared.nx)
  local key = ROOT .. 'schedule:' .. id
  local known = call('HMGET', key, 'wf', 'ex', 'tz', 'nx', 'app')
  local exists = known[1] and true or false
  local same_times = exists and known[2] == declared.ex and known[3] == declared.tz and known[4]
  if exists and restoring then
    if not same_times or known[1] ~= declared.wf or known[5] ~= app then return '', '' end
  else
    call('HSET', key, 'wf', declared.wf, 'ex', declared.ex, 'tz', declared.tz, 'mi', declared.mi, 'ip', declared.ip, 'app', app)
    if not same_times then call('HSET', key, 'nx', declared.nx) end
  end
  call('ZADD', ROOT .. 'schedules', 0, id)
  return same_times and known[4] or declared.nx, exists and known[5] ~= app and known[5] or ''
end

-- Whose an entry is; nothing when it is gone.
local function owner_of(kind, key)
  if kind == 't' then return call('HGET', ROOT .. 'triggers', key) end
  if kind == 's' then return call('HGET', ROOT .. 'schedule:' .. key, 'app') end
  local meta = call('HGET', ROOT .. 'workflows', key)
  return meta and cjson.decode(meta).app
end
local function remove_entry(kind, key)
  if kind == 't' then
    call('HDEL', ROOT .. 'triggers', key)
    unsubscribe(key)
  elseif kind == 's' then
    call('DEL', ROOT .. 'schedule:' .. key)
    call('ZREM', ROOT .. 'schedules', key)
  else
    call('HDEL', ROOT .. 'workflows', key)
    limit_slots(key, nil)
    set_current(key, nil)
  end
end
