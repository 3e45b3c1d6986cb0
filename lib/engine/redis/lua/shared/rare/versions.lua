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

-- Some version of a workflow that a living worker serves.
local function any_served_version(workflow)
  local found
  for _, set in ipairs(call('SMEMBERS', ROOT .. 'servers:' .. workflow)) do
    for _, route in ipairs(call('SMEMBERS', ROOT .. 'serves:' .. set)) do
      local version = string.sub(route, 1, #workflow + 1) == workflow .. '\0' and string.sub(route, #workflow + 2)
      if version and (not found or version > found) then found = version end
    end
  end
  return found
end

-- The version that runs of a workflow which begin from now on are pinned to, nil for none: what is declared; but a version that nobody alive
-- serves is not current while another one is served, as where one deployment has workers with different code.
local function version_in_force(workflow, declared)
  if declared and workers_of(workflow .. '\0' .. declared) == 0 then return any_served_version(workflow) or declared end
  return declared
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
  -- Those that have not begun go to other workers now.
  routes.changed()
  for _, queue in ipairs(call('SMEMBERS', ROOT .. 'queues')) do
    if call('ZSCORE', ROOT .. 'lanes:' .. queue, 'q' .. workflow .. '\0') then wake_for_queue(queue, 1) end
    if call('SISMEMBER', ROOT .. 'gated:' .. queue, workflow .. '\0') == 1 then queue_changed(queue) end
  end
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
