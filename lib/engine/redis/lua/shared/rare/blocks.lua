-- Runs whose code does not come to what is stored of them wait in blocked:<workflow>, by the time at which they were set aside, until they are
-- let go on or canceled.
local function blocked_key(workflow) return ROOT .. 'blocked:' .. workflow end

-- Sets aside a run that nobody executes any more. `reason` is shown with the run, or with the one whose failure hook it is.
local function set_aside(id, workflow, reason)
  call('HSET', run_key(id), 'st', 'q', 'av', now_text, 'bl', 'k', 'ba', now_text)
  call('HSET', data_key(call('HGET', run_key(id), 'hk') or id), 'bk', reason)
  call('ZADD', blocked_key(workflow), now_text, id)
end

-- Ends that. Its timeout has stood still meanwhile.
local function unblock(id)
  local key = run_key(id)
  local run = call('HMGET', key, 'wf', 'ba', 'bt', 'hk')
  call('ZREM', blocked_key(run[1]), id)
  call('HSET', key, 'bt', string.format('%.0f', (run[3] or 0) + now - run[2]))
  call('HDEL', key, 'bl', 'ba')
  call('HDEL', data_key(run[4] or id), 'bk')
end

-- What the run was missing is missed no more.
local function leave_behind(id)
  local hook_of = call('HGET', run_key(id), 'hk')
  local left = cjson.decode(call('HGET', data_key(id), 'lb') or '[]')
  for _, step in ipairs(cjson.decode(call('HGET', data_key(hook_of or id), 'bk')).missing) do left[#left + 1] = step end
  call('HSET', data_key(id), 'lb', cjson.encode(left))
end

local function let_blocked_go_on(id)
  unblock(id)
  local run = call('HMGET', run_key(id), 'q', 'pr', 'rs')
  call('HSET', run_key(id), 'av', now_text)
  enqueue(id, run[1], tonumber(run[2] or 0), run[3], true)
  wake(run[1], id)
end
