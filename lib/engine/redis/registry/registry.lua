-- What holds of what code declares. declared:<workflow> has a declaration per deployment, { m = metadata as JSON, s = schedules, f = ms for
-- which it is kept while nobody serves it }; `held` has the deployment whose declaration holds; registered:<workflow> lists what of it is
-- in place: t<pattern> for a subscription, s<id> for a schedule, p<id> for a schedule that is gone and was paused. One table: the number of local names is limited.
local registry = { formerly = {} }
local function registered_key(workflow) return ROOT .. 'registered:' .. workflow end
local function schedule_key(id) return ROOT .. 'schedule:' .. id end
local function trigger_of(workflow, pattern) return #workflow .. ':' .. workflow .. pattern end

local function subscribe(workflow, pattern)
  call('HSET', ROOT .. 'triggers', trigger_of(workflow, pattern), 1)
  call('SADD', ROOT .. 'subscribers:' .. pattern, workflow)
  if string.find(pattern, '*', 1, true) then call('SADD', ROOT .. 'wildcards', pattern) end
end
local function unsubscribe(workflow, pattern)
  call('HDEL', ROOT .. 'triggers', trigger_of(workflow, pattern))
  call('SREM', ROOT .. 'subscribers:' .. pattern, workflow)
  if call('EXISTS', ROOT .. 'subscribers:' .. pattern) == 0 then call('SREM', ROOT .. 'wildcards', pattern) end
end

-- Writes a workflow's metadata with the time at which it last changed.
local function write_meta(name, meta)
  local known = call('HGET', ROOT .. 'workflows', name)
  local body = string.sub(meta, 1, -2)
  if known and string.sub(known, 1, #body) == body and string.match(known, '^,"updatedAt":%d+}$', #body + 1) then return end
  call('HSET', ROOT .. 'workflows', name, body .. ',"updatedAt":' .. now_text .. '}')
end

-- A pause outlives its schedule, by the schedule's id, for as long as its workflow would be kept: `pauses` has until when, and the workflow.
local function keep_pause(id, workflow, forget_after)
  call('HSET', ROOT .. 'pauses', id, string.format('%.0f', now + forget_after) .. ':' .. workflow)
  call('SADD', registered_key(workflow), 'p' .. id)
end
local function take_pause(id)
  local kept = call('HGET', ROOT .. 'pauses', id)
  if not kept then return false end
  local till, workflow = string.match(kept, '^(%d+):(.*)$')
  call('HDEL', ROOT .. 'pauses', id)
  call('SREM', registered_key(workflow), 'p' .. id)
  return tonumber(till) > now
end

-- Of two workflows that declare one schedule: whether this one may have it, which the other has.
local function outranks(workflow, other, id)
  if call('SISMEMBER', registered_key(other), 's' .. id) == 0 then return true end
  if not deployments.is_served(other) then return deployments.is_served(workflow) end
  if not deployments.is_served(workflow) then return false end
  local holders = call('HMGET', ROOT .. 'held', workflow, other)
  return deployments.started_at(holders[1] or '') > deployments.started_at(holders[2] or '')
end

-- `declared` is { id, ex, tz, mi, ip }. A schedule of other times loses its next instant, which is for a worker to compute.
local function write_schedule(workflow, declared)
  local key = schedule_key(declared.id)
  local known = call('HMGET', key, SCHEDULE.workflow, SCHEDULE.expression, SCHEDULE.zone)
  if known.workflow and known.workflow ~= workflow then
    if not outranks(workflow, known.workflow, declared.id) then return false end
    call('SREM', registered_key(known.workflow), 's' .. declared.id)
    registry.formerly[declared.id] = known.workflow
  end
  call('HSET', key, SCHEDULE.workflow, workflow, SCHEDULE.expression, declared.ex, SCHEDULE.zone, declared.tz, SCHEDULE.misfire, declared.mi,
    SCHEDULE.input, declared.ip)
  if known.expression ~= declared.ex or known.zone ~= declared.tz then call('HDEL', key, SCHEDULE.next) end
  if not known.workflow and take_pause(declared.id) then call('HSET', key, SCHEDULE.paused, 1) end
  call('ZADD', ROOT .. 'schedules', 0, declared.id)
  return true
end
local function remove_schedule(workflow, id, forget_after)
  local known = call('HMGET', schedule_key(id), SCHEDULE.workflow, SCHEDULE.paused)
  if known.workflow ~= workflow then return end
  if known.paused and forget_after then keep_pause(id, workflow, forget_after) end
  call('DEL', schedule_key(id))
  call('ZREM', ROOT .. 'schedules', id)
end

-- Without `forget_after` its pause goes, too.
local function remove_entry(workflow, member, forget_after)
  local kind, key = string.sub(member, 1, 1), string.sub(member, 2)
  if kind == 't' then
    unsubscribe(workflow, key)
  elseif kind == 's' then
    remove_schedule(workflow, key, forget_after)
  elseif not forget_after then
    local kept = call('HGET', ROOT .. 'pauses', key)
    if kept and string.match(kept, '^%d+:(.*)$') == workflow then call('HDEL', ROOT .. 'pauses', key) end
  end
end

-- Makes a declaration hold: what differs is written, and what the workflow had besides is removed.
local function apply_declaration(workflow, declaration)
  local meta = cjson.decode(declaration.m)
  local wanted = {}
  for _, pattern in ipairs(meta.events) do wanted['t' .. pattern] = true end
  for _, schedule in ipairs(declaration.s) do wanted['s' .. schedule.id] = true end
  local registered = registered_key(workflow)
  for _, member in ipairs(call('SMEMBERS', registered)) do
    if not wanted[member] and string.sub(member, 1, 1) ~= 'p' then
      remove_entry(workflow, member, declaration.f)
      call('SREM', registered, member)
    end
  end
  write_meta(workflow, declaration.m)
  if call('HGET', ROOT .. 'controls', 'c' .. workflow) ~= (meta.maxConcurrency and tostring(meta.maxConcurrency) or false) then
    limit_slots(workflow, meta.maxConcurrency)
  end
  set_current(workflow, version_in_force(workflow, meta.version))
  local members = {}
  for _, pattern in ipairs(meta.events) do
    subscribe(workflow, pattern)
    members[#members + 1] = 't' .. pattern
  end
  for _, schedule in ipairs(declaration.s) do
    if write_schedule(workflow, schedule) then members[#members + 1] = 's' .. schedule.id end
  end
  in_chunks(members, function(...) call('SADD', registered, ...) end)
end

-- Workers of a team are to declare again: what they have declared holds by now. A hint only.
local hinted = {}
local function ask_to_declare(team)
  if hinted[team] then return end
  hinted[team] = true
  for _, worker in ipairs(call('SRANDMEMBER', ROOT .. 'members:' .. team, 3)) do
    tell(worker, 'declare')
  end
end

-- Decides whose declaration of a workflow holds: that of the youngest living deployment, else the one that held last. Drops those of
-- deployments that are gone, and applies it. `declaring` is the deployment that calls: its workers need not be asked for anything.
function registry.decide(workflow, declaring)
  local declared = ROOT .. 'declared:' .. workflow
  local holder = call('HGET', ROOT .. 'held', workflow)
  local chosen, chosen_team, youngest, living = holder, nil, -1, {}
  for _, team in ipairs(call('SMEMBERS', ROOT .. 'teams:' .. workflow)) do
    local deployment = deployments.has_living(team) and call('HGET', ROOT .. 'team:' .. team, 'dp')
    if deployment and call('HEXISTS', declared, deployment) == 1 then
      living[deployment] = true
      local start = deployments.started_at(deployment)
      if start > youngest then chosen, chosen_team, youngest = deployment, team, start end
    end
  end
  local declaration = chosen and call('HGET', declared, chosen)
  if not declaration then return end
  local decoded = cjson.decode(declaration)
  for _, deployment in ipairs(call('HKEYS', declared)) do
    if deployment ~= chosen and not living[deployment] then call('HDEL', declared, deployment) end
  end
  if chosen ~= holder then
    call('HSET', ROOT .. 'held', workflow, chosen)
    if chosen ~= declaring then ask_to_declare(chosen_team) end
  end
  -- What nobody serves stays as it is.
  if chosen_team then apply_declaration(workflow, decoded) end
end

-- Forgets a workflow that nobody serves, at most `limit` entries of it per call. Answers whether all of it is gone.
function registry.forget(workflow, limit)
  local members = call('SPOP', registered_key(workflow), limit)
  for _, member in ipairs(members) do remove_entry(workflow, member) end
  if #members == limit then return false end
  call('HDEL', ROOT .. 'workflows', workflow)
  call('HDEL', ROOT .. 'held', workflow)
  call('DEL', ROOT .. 'declared:' .. workflow)
  call('ZREM', ROOT .. 'unserved', workflow)
  call('SREM', ROOT .. 'undecided', workflow)
  set_current(workflow, nil)
  limit_slots(workflow, nil)
  return true
end

-- Known workflows that no living worker serves, with their queues, at most `limit`. Those of workers that are dead and yet to be reaped count.
function registry.unserved(limit)
  local found, seen = {}, {}
  local function add(workflow)
    if seen[workflow] or #found == limit then return end
    seen[workflow] = true
    local meta = call('HGET', ROOT .. 'workflows', workflow)
    if meta then found[#found + 1] = { workflow, cjson.decode(meta).queue } end
  end
  for _, workflow in ipairs(call('ZRANGE', ROOT .. 'unserved', 0, limit - 1)) do add(workflow) end
  for _, team in ipairs(call('SMEMBERS', ROOT .. 'teams')) do
    if not deployments.has_living(team) then
      for _, workflow in ipairs(cjson.decode(call('HGET', ROOT .. 'team:' .. team, 'wf') or '[]')) do
        if not deployments.is_served(workflow) then add(workflow) end
      end
    end
  end
  return found
end
