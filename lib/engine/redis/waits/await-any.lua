-- await_any: registers a step that waits for the first of several, starts its children, and looks for what already happened.
-- Guarantee: everything in one script, so that nothing can come between; each branch has one child.
-- ARGS
--   id
--   fence
--   step
--   asked            '@' and how many outcomes the handler had when it asked for the step, '' where that says nothing
--   ...branches      type, name, number of arguments, arguments; type t: '+ms' or '=epoch ms'; type e: event, key, lookback;
--                    type c: the arguments of create_run without its nonce
-- RETURNS { OK | DONE | LOST | CONFLICT | LIMITED | CANCELED, now, epoch ms of the first timer or 0 (for LIMITED ms to wait), its branch (for
--   CONFLICT and LIMITED the child, for CANCELED the reason), 1 if it is over }
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return { state, now, 0, '', 0 } end
local field = 's:' .. step
local data = data_key(id)
local known = call('HGET', data, field)
if known and not is_reopened(known) then
  local status, moment, timer = string.match(known, '^%a,(%a),%d+,%d+,[%d@]+,%d+,(%d+);(.*)$')
  return { 'OK', now, tonumber(moment), status == STEP_STATUS.waiting and timer or '', status == STEP_STATUS.waiting and 0 or 1 }
end
if run.cancelRequestedAt or call('HEXISTS', run_key(id), RUN.unwinding) == 1 then return { 'CANCELED', now, 0, call('HGET', data, 'cx') or '', 0 } end

local branches, children = {}, {}
local at = branches_first
while at <= branches_last do
  local arg = at + 3
  local branch = { ARGV[at], ARGV[at + 1], arg }
  branches[#branches + 1] = branch
  if ARGV[at] == 'c' then
    local child = {
      id = ARGV[arg], nonce = '', workflow = ARGV[arg + 1], queue = ARGV[arg + 2], priority = ARGV[arg + 3], attempts = ARGV[arg + 4],
      version = ARGV[arg + 5], tags = ARGV[arg + 6], at = ARGV[arg + 7], delay = ARGV[arg + 8], idempotency = ARGV[arg + 9],
      ttl = ARGV[arg + 10], input = ARGV[arg + 11], admission = ARGV[arg + 12], headers = ARGV[arg + 13],
      judged = ARGV[arg + 14],
      extra = child_fields(id, step),
    }
    check_numbers(child)
    local existing = call('HGET', run_key(child.id), RUN.workflow)
    if existing and existing ~= child.workflow then return { 'CONFLICT', now, 0, child.id, 0 } end
    branch[4] = child
    children[#children + 1] = child
  end
  at = arg + tonumber(ARGV[at + 2])
end
local limited, wait = find_limited(children)
if limited then return { 'LIMITED', now, wait, limited, 0 } end

local function record(moment, timer)
  call('HSET', data, field, 'a,w,0,1,0' .. asked .. ',' .. now_text .. ',' .. string.format('%.0f', moment) .. ';' .. timer)
end
local first, timer = 0, ''
for _, branch in ipairs(branches) do
  if branch[1] == 't' then
    local when = finite(string.sub(ARGV[branch[3]], 2))
    if string.sub(ARGV[branch[3]], 1, 1) == '+' then when = when + now end
    -- 0 is no limit.
    when = math.max(1, when)
    if first == 0 or when < first then first, timer = when, branch[2] end
  end
end
-- What has already happened comes before a timer that is due at once.
record(0, '')
local over, entries = false, {}
for _, branch in ipairs(branches) do
  local kind, name, arg = branch[1], branch[2], branch[3]
  if kind == 'e' and not over then
    over = listen(id, step, name, ARGV[arg], ARGV[arg + 1], ARGV[arg + 2], entries)
  elseif kind == 'c' then
    if await_child(id, step, name, create(branch[4])) then over = true end
  end
end
if over then
  stop_listening(entries)
else
  keep_listening(id, step, entries)
  record(first, timer)
end
return { 'OK', now, first, timer, over and 1 or 0 }
