-- Who lives. A deployment is the workers with one `deployment`, a team those of them that serve the same workflows. A worker is a member of its
-- team from its registration until it claims nothing more. One table: the number of local names is limited.
local deployments = {}
local function teams_of(workflow) return ROOT .. 'teams:' .. workflow end

function deployments.is_living(worker)
  local lease = call('ZSCORE', ROOT .. 'workers', worker)
  return lease and tonumber(lease) > real
end

-- A member whose lease ran out counts no more, though it may renew the lease until it is reaped.
function deployments.has_living(team)
  for _, worker in ipairs(call('SMEMBERS', ROOT .. 'members:' .. team)) do
    if deployments.is_living(worker) then return true end
  end
  return false
end

-- Whether a living worker serves the workflow.
function deployments.is_served(workflow)
  for _, team in ipairs(call('SMEMBERS', teams_of(workflow))) do
    if deployments.has_living(team) then return true end
  end
  return false
end

-- When a deployment started: a stamp of the namespace, 0 once none of it lives.
function deployments.started_at(deployment)
  return tonumber(call('HGET', ROOT .. 'deployment:' .. deployment, 'at') or 0)
end

-- deployment:<id> has a field t<team> for each of its teams, and `at`.
function deployments.lives(deployment)
  for _, field in ipairs(call('HKEYS', ROOT .. 'deployment:' .. deployment)) do
    if field ~= 'at' and deployments.has_living(string.sub(field, 2)) then return true end
  end
  return false
end

-- The last member of a team went: what holds for its workflows is to be decided anew.
local function dissolve(team)
  local key = ROOT .. 'team:' .. team
  local known = call('HMGET', key, 'dp', 'wf', 'fa')
  call('DEL', key, ROOT .. 'members:' .. team)
  if not known[1] then return end
  call('SREM', ROOT .. 'teams', team)
  local deployment = ROOT .. 'deployment:' .. known[1]
  call('HDEL', deployment, 't' .. team)
  if call('HLEN', deployment) == 1 then call('DEL', deployment) end
  local undecided = {}
  for _, workflow in ipairs(cjson.decode(known[2])) do
    call('SREM', teams_of(workflow), team)
    if call('HEXISTS', ROOT .. 'held', workflow) == 1 then
      undecided[#undecided + 1] = workflow
      if call('EXISTS', teams_of(workflow)) == 0 then
        call('ZADD', ROOT .. 'unserved', string.format('%.0f', now + tonumber(known[3])), workflow)
      end
    end
  end
  in_chunks(undecided, function(...) call('SADD', ROOT .. 'undecided', ...) end)
end

-- A worker claims nothing more, or is gone.
function deployments.leave(worker)
  local record = ROOT .. 'worker:' .. worker
  local team = call('HGET', record, 'tm')
  if not team then return end
  call('HDEL', record, 'tm')
  call('SREM', ROOT .. 'members:' .. team, worker)
  if call('EXISTS', ROOT .. 'members:' .. team) == 0 then dissolve(team) end
end

-- A worker begins, before its lease is written. `since` is the stamp that its deployment had when it registered before, '' for none: a
-- deployment does not become younger because all of it lost their leases. Answers the stamp, and whether the
-- deployment starts with it.
function deployments.join(worker, deployment, team, workflows, forget_after, since)
  local record = ROOT .. 'worker:' .. worker
  local former = call('HGET', record, 'tm')
  if former and former ~= team then deployments.leave(worker) end
  local key = ROOT .. 'deployment:' .. deployment
  local is_start = not deployments.lives(deployment) or call('HEXISTS', key, 'at') == 0
  if is_start then
    call('HSET', key, 'at', since ~= '' and since or string.format('%.0f', next_counter('created')))
  end
  call('HSET', key, 't' .. team, 1)
  -- All of it each time: a reset that workers have survived deletes it in part.
  call('HSET', ROOT .. 'team:' .. team, 'dp', deployment, 'wf', workflows, 'fa', forget_after)
  call('SADD', ROOT .. 'members:' .. team, worker)
  call('HSET', record, 'dp', deployment, 'tm', team)
  call('SADD', ROOT .. 'teams', team)
  local names = cjson.decode(workflows)
  for _, workflow in ipairs(names) do call('SADD', teams_of(workflow), team) end
  in_chunks(names, function(...) call('ZREM', ROOT .. 'unserved', ...) end)
  return call('HGET', key, 'at'), is_start
end
