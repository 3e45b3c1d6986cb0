-- Counts an open run by what ctx.patched() has answered in it: p1<id> for true, p0<id> for false. One that has failed counts until its
-- failure hook has ended.
local function count_patch(workflow, patch, answer, by) count_open(workflow, (answer and 'p1' or 'p0') .. patch, by) end
local function count_patches(id, workflow, by)
  local answers = data_field(id, 'pa')
  for patch, answer in pairs(answers and cjson.decode(answers) or {}) do count_patch(workflow, patch, answer, by) end
end

-- How many living workers serve a workflow, '<workflow>', or a version of it, '<workflow>\0<version>'.
local function workers_of(route)
  local workers = 0
  for _, set in ipairs(call('SMEMBERS', ROOT .. 'servers:' .. route)) do workers = workers + call('SCARD', ROOT .. 'set:' .. set) end
  return workers
end

-- The highest version of each workflow that a set serves, and its queues. Read once per set until others live: where the last worker of
-- a set leaves, all its workflows ask for another version, and each would read all that the others serve.
local known_sets = {}
local function known_set(set)
  local known = known_sets[set]
  if known then return known end
  known = { highest = {}, queues = about_set(set).queues or {} }
  for _, route in ipairs(call('SMEMBERS', ROOT .. 'serves:' .. set)) do
    local workflow, version = string.match(route, '^(.-)%z(.*)$')
    if workflow and version > (known.highest[workflow] or '') then known.highest[workflow] = version end
  end
  known_sets[set] = known
  return known
end

-- Some version of a workflow that a living worker serves.
local function any_served_version(workflow)
  local found
  for _, set in ipairs(call('SMEMBERS', ROOT .. 'servers:' .. workflow)) do
    local version = known_set(set).highest[workflow]
    if version and (not found or version > found) then found = version end
  end
  return found
end

-- The version that runs of a workflow which begin from now on are pinned to, nil for none: what is declared; but a version that nobody alive
-- serves is not current while another one is served, as where one deployment has workers with different code.
local function version_in_force(workflow, declared)
  if declared and workers_of(workflow .. '\0' .. declared) == 0 then return any_served_version(workflow) or declared end
  return declared
end

-- Runs of a workflow that have not begun go to other workers now. They lie in queues and lanes and at gates; one wake-up per queue and script
-- does, since each that is woken wakes the next.
local told = {}
local function lead_elsewhere(workflow)
  routes.changed()
  -- What this says of any place may be stale: one that is looked at hands on to others, which are looked at later.
  able = {}
  local route, seen = workflow .. '\0', {}
  local function look_at_queue(queue)
    if seen[queue] then return end
    seen[queue] = true
    local holds_some = not told[queue]
      and (call('EXISTS', ROOT .. 'queue:' .. queue) == 1 or call('ZSCORE', ROOT .. 'lanes:' .. queue, 'q' .. route))
    if holds_some then
      told[queue] = true
      wake_for_queue(queue, 1)
    end
    if call('SISMEMBER', ROOT .. 'gated:' .. queue, route) == 1 then look_at_place(place_at(queue, route)) end
  end
  for _, set in ipairs(call('SMEMBERS', ROOT .. 'servers:' .. workflow)) do
    for _, queue in ipairs(known_set(set).queues) do look_at_queue(queue) end
  end
end

-- What runs of a workflow that begin from now on are pinned to, nil for nothing.
local function set_current(workflow, version)
  local former = control('v' .. workflow)
  if former == version then return end
  if version then
    call('HSET', ROOT .. 'controls', 'v' .. workflow, version)
  else
    call('HDEL', ROOT .. 'controls', 'v' .. workflow)
  end
  lead_elsewhere(workflow)
end

-- Nobody may serve these any more. A version among them that is current gives way to another one at once; whose declaration holds then is
-- decided later.
local function reconsider_versions(left)
  for _, route in ipairs(left) do
    local workflow, version = string.match(route, '^(.-)%z(.*)$')
    if workflow and control('v' .. workflow) == version and call('EXISTS', ROOT .. 'servers:' .. route) == 0 then
      local other = any_served_version(workflow)
      if other then set_current(workflow, other) end
      call('SADD', ROOT .. 'undecided', workflow)
    end
  end
end
