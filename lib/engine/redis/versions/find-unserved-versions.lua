-- find_unserved_versions: versions that open runs, or failure hooks, are pinned to and that no living worker serves.
-- ARGS
--   ...workflows
-- RETURNS { workflow, version, runs }…
local found = {}
for i = workflows_first, workflows_last do
  local workflow, counts = ARGV[i], {}
  local open = call('HGETALL', ROOT .. 'open:' .. workflow)
  for at = 1, #open, 2 do
    local version = string.match(open[at], '^[vh](.*)$')
    if version then counts[version] = (counts[version] or 0) + tonumber(open[at + 1]) end
  end
  for version, runs in pairs(counts) do
    if workers_of(workflow .. '\0' .. version) == 0 then found[#found + 1] = { workflow, version, runs } end
  end
end
return found
