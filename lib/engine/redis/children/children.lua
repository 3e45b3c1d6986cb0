-- Runs that a run has started, by creation stamp.
local function children_key(id) return ROOT .. 'children:' .. id end

-- Fields of a child's hash that say where it comes from. Children of a failure hook are those of the run that has failed.
local function child_fields(id, step)
  local run = call('HMGET', run_key(id), RUN.rootRunId, RUN.hookOf)
  return { RUN.trigger, 'child', RUN.parentRunId, run.hookOf or id, RUN.parentStep, step, RUN.rootRunId, run.rootRunId or id }
end

-- A run that an idempotency key names and that existed before is no child.
local function register_child(id, created)
  if created[1] ~= 'CREATED' then return end
  local child = created[2]
  call('ZADD', children_key(call('HGET', run_key(id), RUN.hookOf) or id), call('HGET', run_key(child), RUN.stamp), child)
end

-- Whether a step was refused in an earlier attempt, and is to start now what it could not start then.
local function is_reopened(record) return string.find(record, '^%a,x,') ~= nil end

-- Lets those that wait for the end of a run wait for that of another one instead.
local function pass_waits_on(from, to)
  local parents = call('SMEMBERS', ROOT .. 'parents:' .. from)
  if #parents == 0 then return end
  for _, member in ipairs(parents) do
    local id, step = read_wait_member(member)
    local record = call('HGET', data_key(id), 's:' .. step)
    if record and string.find(record, '^c,w') then call('HSET', data_key(id), 'c:' .. step, to) end
  end
  in_chunks(parents, function(...) call('SADD', ROOT .. 'parents:' .. to, ...) end)
  call('DEL', ROOT .. 'parents:' .. from)
  call('HSET', run_key(to), RUN.awaited, 1)
end

-- Waiters that one look for a circle follows.
local MOST_WAITERS = 200

local ENDED = { [STATUS.succeeded] = true, [STATUS.failed] = true, [STATUS.canceled] = true }
-- A run that has ended, or is gone, waits for nothing, whatever its waits were.
local function is_over(id)
  local status = call('HGET', run_key(id), RUN.status)
  return not status or ENDED[status]
end

-- Whether a run can not go on before another one has ended: it is that one, or waits for its end without a limit, or for that of a run
-- that does. Runs that race against something else wait for nothing.
local function depends_on(waiter, id)
  if waiter == id then return true end
  local line, met = { id }, { [id] = true }
  for at = 1, MOST_WAITERS do
    if not line[at] then return false end
    for _, member in ipairs(call('SRANDMEMBER', ROOT .. 'parents:' .. line[at], MOST_WAITERS)) do
      local parent, step = read_wait_member(member)
      local record = not met[parent] and call('HGET', data_key(parent), 's:' .. step)
      if record and string.find(record, '^c,w,%d+,%d+,[%d@]+,%d+,0;') and not is_over(parent) then
        if parent == waiter then return true end
        met[parent] = true
        line[#line + 1] = parent
      end
    end
  end
  return false
end

-- What keeps a step from waiting for a new child without a limit, since neither run could ever go on: KEY and the run that the
-- idempotency key of the child names, or MUTEX and the one that holds the mutex that the child is to have.
local function find_circle(id, child)
  local named = child.idempotency ~= '' and call('GET', scoped('idem', child.workflow, child.idempotency))
  if named then return depends_on(named, id) and 'KEY', named end
  local limits = child.admission ~= '' and child.admission ~= '?' and read_limits(child.admission)
  local holder = limits and limits.m and call('GET', mutex_key(keyed_gate('m', child.workflow, limits.m)))
  if holder and depends_on(holder, id) then return 'MUTEX', holder end
end

-- Lets a step, or a branch of it, wait for the end of the child that create() answered. Answers whether the wait is over.
local function await_child(id, step, branch, created)
  register_child(id, created)
  local child = created[2]
  local member = wait_member(id, step, branch)
  local status = call('HGET', run_key(child), RUN.status)
  if status == STATUS.succeeded then return deliver_end(child, member, status, data_field(child, 'o') or '') end
  if status == STATUS.canceled then return deliver_end(child, member, status, canceled_error(child)) end
  if status == STATUS.failed then return deliver_end(child, member, status, data_field(child, 'e') or '') end
  if not status then
    -- An idempotency key outlives its run.
    local message = 'Run "' .. child .. '", which the idempotency key names, was deleted by retention. Use another key.'
    return deliver_end(child, member, STATUS.failed, ERROR.RunNotFoundError .. cjson.encode(message)
      .. ',"runId":' .. cjson.encode(child) .. '}')
  end
  call('SADD', ROOT .. 'parents:' .. child, member)
  call('HSET', run_key(child), RUN.awaited, 1)
  return false
end
