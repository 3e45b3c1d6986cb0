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
