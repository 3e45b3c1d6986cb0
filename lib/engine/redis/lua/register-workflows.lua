-- register_workflows: makes what a worker declares known to the namespace: workflows, subscriptions, schedules.
-- Guarantee: removes nothing; a schedule of the same expression and zone keeps its next instant and its pause.
-- ARGS
--   app
--   restore          1 to write only what Redis has lost: what another deployment has written since stays
--   ...entries       one after another: w, name, JSON metadata without updatedAt; t, <bytes of the workflow>:<workflow><pattern>;
--                    s, id, workflow, expression, zone, misfire, encoded input, next instant
-- RETURNS { now, { id, next instant or '' if it is not the declared one, app that had it before or '' }… for the schedules }
local answer, members = { now }, {}
local i = entries_first
while i <= entries_last do
  local kind, key = ARGV[i], ARGV[i + 1]
  members[#members + 1] = kind .. key
  if kind == 'w' then
    register_workflow(key, ARGV[i + 2], restore == '1')
    i = i + 3
  elseif kind == 't' then
    if restore == '0' or call('HEXISTS', ROOT .. 'triggers', key) == 0 then call('HSET', ROOT .. 'triggers', key, app) end
    subscribe(key)
    i = i + 2
  else
    local declared = {
      wf = ARGV[i + 2], ex = ARGV[i + 3], tz = ARGV[i + 4], mi = ARGV[i + 5], ip = ARGV[i + 6], nx = ARGV[i + 7],
    }
    local following, former = register_schedule(key, app, declared, restore == '1')
    answer[#answer + 1] = { key, following, former }
    i = i + 8
  end
end
in_chunks(members, function(...) call('SADD', ROOT .. 'app:' .. app, ...) end)
return answer
