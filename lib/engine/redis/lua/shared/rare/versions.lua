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
