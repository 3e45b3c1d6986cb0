-- read_versions: how many runs of a workflow are open by version and by answer of ctx.patched(), and how many workers serve each version.
-- The cost depends on the number of versions, answers and queues, not on that of runs.
-- ARGS
--   workflow
--   ...declared      versions that are known from elsewhere
-- RETURNS { current version or '', open runs in all, workers of the workflow, { kind, runs… } as in open:<workflow>, { version, workers… } }
flush_moves()
local total = 0
for _, key in ipairs(lists_of('dqw', workflow, '', '')) do total = total + call('ZCARD', key) end
local current, open = call('HGET', ROOT .. 'controls', 'v' .. workflow) or '', call('HGETALL', ROOT .. 'open:' .. workflow)
local versions, served = { [current] = current ~= '' or nil }, {}
for i = declared_first, declared_last do versions[ARGV[i]] = true end
for i = 1, #open, 2 do
  local version = string.match(open[i], '^[vh](.*)$')
  if version then versions[version] = true end
end
for version in pairs(versions) do
  served[#served + 1] = version
  served[#served + 1] = workers_of(workflow .. '\0' .. version)
end
return { current, total, workers_of(workflow), open, served }
