-- Runs whose code does not come to what is stored of them. `ba` on such a run is the time at which it was set aside; blocked:<workflow> has it, by a
-- stamp of the namespace, until it is executed again or ends, and the set `blocked` the workflows with such runs.
--
-- Each deployment that has not tried it since the last pass that came through may: the run is *offered* to one, that is, queued and reserved for it
-- (`on`), and counts as blocked until that claims it. From then on it is *kept* for that one, which gets on with it, so that those that blocked it
-- do not again after each park: until it is blocked, retried, or claimed by another one because nobody of that one claims it any more. `bd` in its
-- data says who has tried: `d` the start of each such deployment by its id, `f` the fence of the trial under way, so that a pass in between, a
-- crash or resumeRun() begins the list anew. One table: the number of local names is limited.
local blocks = {}
local OFFERED_AT_ONCE = 10
local function blocked_key(workflow) return ROOT .. 'blocked:' .. workflow end
function blocks.count(workflow) return call('ZCARD', blocked_key(workflow)) end

-- When a deployment started, '' once none of it lives. One that starts anew may have other code.
local function start_of(deployment) return call('HGET', ROOT .. 'deployment:' .. deployment, 'at') or '' end

local function note_trial(id, fence, worker)
  local key, deployment = data_key(id), call('HGET', ROOT .. 'worker:' .. worker, 'dp')
  local before = call('HGET', key, 'bd')
  before = before and cjson.decode(before)
  local tried = {}
  -- Those that live no more need no entry: the list is as long as there are deployments.
  for other, start in pairs(before and before.f == fence and before.d or {}) do
    if start ~= '' and start == start_of(other) then tried[other] = start end
  end
  if deployment then tried[deployment] = start_of(deployment) end
  if next(tried) then call('HSET', key, 'bd', cjson.encode({ d = tried })) else call('HDEL', key, 'bd') end
end

-- The living deployment that may try a run and has not, the youngest first.
local function next_to_try(id, queue, route)
  local served = routes.resolve(route)
  local known = call('HGET', data_key(id), 'bd')
  local tried = known and cjson.decode(known).d or {}
  local found, youngest
  for _, set in ipairs(call('SINTER', ROOT .. 'servers:' .. served, ROOT .. 'serving:' .. queue)) do
    local deployment = deployment_of(set)
    local start = deployment and start_of(deployment) or ''
    if start ~= '' and tried[deployment] ~= start and (not youngest or tonumber(start) > youngest) then
      found, youngest = deployment, tonumber(start)
    end
  end
  return found
end

-- Takes back what was offered, out of wherever the run waits by now.
function blocks.withdraw(id)
  local key = run_key(id)
  local run = call('HMGET', key, RUN.reservedFor, RUN.queue)
  if not run.reservedFor then return end
  unqueue(id, run.queue)
  leave_line(id)
  local held = call('HGET', key, RUN.held)
  if held then give_back(id, held, 'c') end
  call('HDEL', key, RUN.reservedFor)
  call('HSET', key, RUN.blockedBy, 'k')
end

-- Offers a blocked run to a deployment, if there is one that has not tried it. An offer stands as long as the deployment can take it.
function blocks.offer(id)
  local key = run_key(id)
  local run = call('HMGET', key, RUN.blockedAt, RUN.queue, RUN.reservedFor, RUN.priority, RUN.recoveryStreak)
  if not run.blockedAt then return end
  if run.reservedFor then
    if routes.is_served(run.queue, routes.of_run(id)) then return end
    blocks.withdraw(id)
  end
  local deployment = next_to_try(id, run.queue, routes.of_run(id))
  if not deployment then return end
  call('HSET', key, RUN.reservedFor, deployment)
  enqueue(id, run.queue, tonumber(run.priority or 0), run.recoveryStreak)
  wake(run.queue, id)
end

-- Sets aside a run that nobody executes any more. `reason` is shown with the run, or with the one whose failure hook it is.
function blocks.set_aside(id, workflow, fence, worker, reason)
  call('HDEL', run_key(id), RUN.reservedFor)
  call('HSET', run_key(id), RUN.status, STATUS.queued, RUN.availableAt, now_text, RUN.blockedBy, 'k', RUN.blockedAt, now_text)
  call('HSET', data_key(call('HGET', run_key(id), RUN.hookOf) or id), 'bk', reason)
  call('ZADD', blocked_key(workflow), string.format('%.0f', next_counter('created')), id)
  call('SADD', ROOT .. 'blocked', workflow)
  note_trial(id, fence, worker)
  blocks.offer(id)
end

-- Ends that, for a run that is in no queue and no line. Its timeout has stood still meanwhile.
function blocks.unblock(id)
  local key = run_key(id)
  local run = call('HMGET', key, RUN.workflow, RUN.blockedAt, RUN.blockedMs, RUN.hookOf)
  if not run.blockedAt then return end
  call('ZREM', blocked_key(run.workflow), id)
  if call('EXISTS', blocked_key(run.workflow)) == 0 then call('SREM', ROOT .. 'blocked', run.workflow) end
  call('HSET', key, RUN.blockedMs, string.format('%.0f', (run.blockedMs or 0) + now - run.blockedAt))
  call('HDEL', key, RUN.blockedBy, RUN.blockedAt, RUN.reservedFor)
  call('HDEL', data_key(run.hookOf or id), 'bk')
end

-- A run that was reserved is claimed: by the deployment that it was offered to, or by another one than it was kept for.
function blocks.begin_trial(id, fence, holder)
  if string.byte(holder) == 1 then
    call('HDEL', run_key(id), RUN.reservedFor)
    return
  end
  blocks.unblock(id)
  call('HSET', run_key(id), RUN.reservedFor, '\1' .. holder)
  local known = call('HGET', data_key(id), 'bd')
  local trial = known and cjson.decode(known)
  if not trial then return end
  trial.f = fence
  call('HSET', data_key(id), 'bd', cjson.encode(trial))
end

-- What the run was missing is missed no more.
function blocks.leave_behind(id)
  local hook_of = call('HGET', run_key(id), RUN.hookOf)
  local left = cjson.decode(call('HGET', data_key(id), 'lb') or '[]')
  for _, step in ipairs(cjson.decode(call('HGET', data_key(hook_of or id), 'bk')).missing) do left[#left + 1] = step end
  call('HSET', data_key(id), 'lb', cjson.encode(left))
end

-- Who serves these has changed: their blocked runs are looked at again. `reoffer` has the workflows by the stamp of the last one looked at.
function blocks.look_again(served)
  if call('EXISTS', ROOT .. 'blocked') == 0 then return end
  for _, route in ipairs(served) do
    if call('SISMEMBER', ROOT .. 'blocked', route) == 1 then call('HSET', ROOT .. 'reoffer', route, 0) end
  end
end

-- Some of them; answers whether there may be more.
function blocks.offer_some()
  local workflow = call('HKEYS', ROOT .. 'reoffer')[1]
  if not workflow then return false end
  local last = call('HGET', ROOT .. 'reoffer', workflow)
  local runs = call('ZRANGEBYSCORE', blocked_key(workflow), '(' .. last, '+inf', 'WITHSCORES', 'LIMIT', 0, OFFERED_AT_ONCE)
  for i = 1, #runs, 2 do blocks.offer(runs[i]) end
  if #runs < OFFERED_AT_ONCE * 2 then
    call('HDEL', ROOT .. 'reoffer', workflow)
  else
    call('HSET', ROOT .. 'reoffer', workflow, runs[#runs])
  end
  return call('EXISTS', ROOT .. 'reoffer') == 1
end
