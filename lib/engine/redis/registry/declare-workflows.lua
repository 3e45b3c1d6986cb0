-- declare_workflows: a worker says what its code declares of workflows, and for each is decided whose declaration holds.
-- Guarantee: a schedule of the same expression and zone keeps its next instant, and any its pause; a repeat changes nothing.
-- ARGS
--   worker           a member of its team: one that stops declares nothing more
--   restore          1 to write only what Redis has lost: what its deployment has declared stays
--   ...entries       three each: workflow; declaration as JSON { m, s = { { id, ex, tz, mi, ip }… }, f }; JSON array of the next instants of its schedules
-- RETURNS { LOST | OK, now, { id, next instant or '' if another declaration of it holds, workflow that also declares it or '' }… for the schedules }
local team = call('HGET', ROOT .. 'worker:' .. worker, 'tm')
local deployment = team and call('HGET', ROOT .. 'team:' .. team, 'dp')
if not deployment then return { 'LOST', now } end
local declarations, instants = {}, {}
for i = entries_first, entries_last, 3 do
  declarations[i] = cjson.decode(ARGV[i + 1])
  instants[i] = cjson.decode(ARGV[i + 2])
  for _, instant in ipairs(instants[i]) do finite(instant) end
end
local write = restore == '1' and 'HSETNX' or 'HSET'
local answer = { 'OK', now }
for i = entries_first, entries_last, 3 do
  local workflow = ARGV[i]
  call(write, ROOT .. 'declared:' .. workflow, deployment, ARGV[i + 1])
  registry.decide(workflow, deployment)
  for j, declared in ipairs(declarations[i].s) do
    local key = schedule_key(declared.id)
    local known = call('HMGET', key, SCHEDULE.workflow, SCHEDULE.expression, SCHEDULE.zone, SCHEDULE.next)
    local following, other = '', known.workflow and known.workflow ~= workflow and known.workflow or registry.formerly[declared.id] or ''
    if known.workflow == workflow and known.expression == declared.ex and known.zone == declared.tz then
      following = known.next
      if not following then
        following = string.format('%.0f', instants[i][j])
        call('HSET', key, SCHEDULE.next, following)
      end
    end
    answer[#answer + 1] = { declared.id, following, other }
  end
end
return answer
