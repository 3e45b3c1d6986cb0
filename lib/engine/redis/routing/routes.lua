-- What a run needs of its worker, and who has it. The *route* of a run is the name of its workflow; behind that NUL and the version that it is
-- pinned to, NUL alone if it has not begun and so goes to the current version; behind that \1 and the deployment that it is reserved for, a
-- second \1 between them if it is only kept for that one: it is for all while none of that one's workers can claim it. A queued run keeps its
-- route, whatever becomes current meanwhile. Workers serve a workflow, or NUL-separated a version of it: what a route resolves to. One table:
-- the number of local names is limited.
local routes = {}

-- Undoes <bytes of the first>:<first><rest>.
local function split_sized(text)
  local size, rest = string.match(text, '^(%d+):(.*)$')
  size = tonumber(size)
  return string.sub(rest, 1, size), string.sub(rest, size + 1)
end

-- Of the fields of a run: a fence tells that it has begun, unless nb says that it was put aside; a failure hook goes with its run.
function routes.of(fields)
  local route = fields.wf
  if fields.ve then
    route = route .. '\0' .. fields.ve
  elseif not fields.hk and (fields.nb or not fields.f) then
    route = route .. '\0'
  end
  if fields.on then route = route .. '\1' .. fields.on end
  return route
end
-- Nothing for a run that is gone.
function routes.of_run(id)
  local run = call('HMGET', run_key(id), RUN.workflow, RUN.version, RUN.fence, RUN.hookOf, RUN.reservedFor, RUN.putAside)
  return run.workflow and routes.of({ wf = run.workflow, ve = run.version, f = run.fence, hk = run.hookOf, on = run.reservedFor, nb = run.putAside }) or nil
end

local function control(name)
  if controls then return controls[name] end
  return call('HGET', ROOT .. 'controls', name) or nil
end

-- What a worker has to serve, and its deployment if it must be that. v<workflow> in `controls` is the current version, if there is one.
local resolved = {}
function routes.resolve(route)
  local found = resolved[route]
  if not found then
    local workflow, version, deployment = string.match(route, '^([^%z\1]*)(%z?[^\1]*)\1?(.*)$')
    if version == '\0' then
      local current = control('v' .. workflow)
      version = current and '\0' .. current or ''
    end
    found = { workflow .. version, deployment ~= '' and deployment or nil }
    resolved[route] = found
  end
  return found[1], found[2]
end
-- Deployment and queues of a set, nothing if it lives no more.
local function about_set(set)
  local about = call('HGET', ROOT .. 'sets', set)
  return about and cjson.decode(about) or {}
end
local function deployment_of(set) return about_set(set).deployment end
-- Those of the sets that may execute a run that is reserved for a deployment.
local function reserved_for(deployment, sets)
  if not deployment then return sets end
  local kept, those = string.match(deployment, '^\1(.*)$'), {}
  for _, set in ipairs(sets) do
    if deployment_of(set) == (kept or deployment) then those[#those + 1] = set end
  end
  return kept and #those == 0 and sets or those
end

local answers, served_by = {}, {}
local function once(question, answer)
  if answers[question] == nil then answers[question] = answer() end
  return answers[question]
end
-- Who lives, or what is current, has changed within the script.
function routes.changed() resolved, answers, served_by = {}, {}, {} end

-- The sets whose workers claim runs of this route from the queue.
local function servers_of(queue, route)
  return once('w' .. #queue .. ':' .. queue .. route, function()
    local served, deployment = routes.resolve(route)
    return reserved_for(deployment, call('SINTER', ROOT .. 'servers:' .. served, ROOT .. 'serving:' .. queue))
  end)
end
-- Whether a living worker does.
function routes.is_served(queue, route) return #servers_of(queue, route) > 0 end

-- Whether those of a set do, which serve the queue.
function routes.is_served_by(set, route, queue)
  local known = served_by[set .. queue]
  if not known then
    known = {}
    served_by[set .. queue] = known
  end
  if known[route] == nil then
    local served, deployment = routes.resolve(route)
    known[route] = call('SISMEMBER', ROOT .. 'serves:' .. set, served) == 1
    if known[route] and deployment then
      known[route] = false
      for _, server in ipairs(servers_of(queue, route)) do known[route] = known[route] or server == set end
    end
  end
  return known[route]
end

local function is_run_served_by(set, id, queue)
  local route = routes.of_run(id)
  return route and routes.is_served_by(set, route, queue)
end

-- Where several sets live: wakes an idle worker that serves the run; for an entry that is no run, any that serves the queue. `fields` are
-- those of the run, if the caller has them. Answers whether there was one.
local function wake_server(queue, id, fields)
  local route = fields and routes.of(fields) or routes.of_run(id)
  local sets = route and servers_of(queue, route)
    or once('q' .. queue, function() return call('SMEMBERS', ROOT .. 'serving:' .. queue) end)
  -- Not always the same one first.
  local first = now_us % math.max(1, #sets)
  for i = 1, #sets do
    if wake_one_of(sets[(first + i) % #sets + 1], queue) then return true end
  end
  return false
end

-- Wakes an idle worker, whatever it serves.
local function wake_any()
  local known = call('HGETALL', ROOT .. 'sets')
  for i = 1, #known, 2 do
    for _, queue in ipairs(cjson.decode(known[i + 1]).queues) do
      if wake_one_of(known[i], queue) then return end
    end
  end
end

-- Wakes up to `most` idle workers for what waits in a queue, at least one of each set; each wakes the next for what it has to leave.
local function wake_for_queue(queue, most)
  for _, set in ipairs(call('SMEMBERS', ROOT .. 'serving:' .. queue)) do
    for _ = 1, most do
      if not wake_one_of(set, queue) then break end
    end
  end
end
