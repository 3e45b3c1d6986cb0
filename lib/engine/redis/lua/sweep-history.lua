-- sweep_history: deletes ended runs past their retention, and failed runs whose hook was not served for so long.
-- Guarantee: looks at no more than `limit` runs per call, fewer if they are large; deletes none that has not ended.
-- ARGS
--   retention        ms
--   hook_retention   ms that a failure hook is waited for
--   limit
-- RETURNS { runs deleted, 1 if there may be more }
local HEAVY, MOST_HEAVY = 100000, 4 -- bytes, runs
local deleted, looked = 0, 0
local doomed, heavy, places = {}, {}, {}
local function has_enough() return looked == tonumber(limit) or #heavy >= MOST_HEAVY end
local function doom(id)
  if (call('MEMORY', 'USAGE', data_key(id), 'SAMPLES', 64) or 0) > HEAVY then heavy[#heavy + 1] = data_key(id) end
  for _, family in ipairs({ 'run:', 'data:', 'passes:', 'waiters:', 'parents:', 'children:', 'listening:' }) do
    doomed[#doomed + 1] = ROOT .. family .. id
  end
end
-- Redis frees a key of up to 64 members at once, however long they are: 125 MB in one call took 12 ms. Larger keys it frees beside its work.
local function free_beside(key)
  local more = {}
  for i = 1, 130 do more[i] = i end
  call('HSET', key, unpack(more))
end
local function delete(id, run)
  deleted = deleted + 1
  if run[4] then
    leave_list(id, run[4], run[5], run[6])
    places[place_of_lists(run[5], run[6])] = { run[5], run[6] }
  end
  leave_indexes(id)
  doom(id)
end
local function give_up_hook(hook, run)
  local failed = call('HMGET', run_key(run[7]), 'rb', 'fa', 'se', 'st', 'wf', 'q', 'hk', 'hi', 'pd')
  if failed[8] == hook then
    if failed[9] then count_patches(run[7], run[5], -1) end
    delete(run[7], failed)
  end
  if run[9] then count_open(run[5], 'h' .. run[9], -1) end
  unlisten_all(hook)
  call('ZREM', ROOT .. 'due', hook)
  unqueue(hook, run[6])
  doom(hook)
end
local function is_awaited(id) return call('EXISTS', ROOT .. 'parents:' .. id) == 1 end
-- All lists are in the order in which the retention began, so the first that is too young is the last one looked at.
local function sweep(list, age, remove)
  local gone, again = 0, {}
  for _, id in ipairs(call('LRANGE', list, 0, tonumber(limit) - looked - 1)) do
    local run = call('HMGET', run_key(id), 'rb', 'fa', 'se', 'st', 'wf', 'q', 'hk', 'nw', 've')
    local since = tonumber(run[1] or run[2])
    if run[3] then
      -- An entry of before a retry; the run gets another one.
      if call('HINCRBY', run_key(id), 'se', -1) < 1 then call('HDEL', run_key(id), 'se') end
    elseif since and (since > now or since <= now - age and run[8] and is_awaited(id)) then
      -- The clock was put back, or not all that wait for its end were told. Its retention begins anew, so that it holds up nobody.
      call('HSET', run_key(id), 'rb', now_text)
      again[#again + 1] = id
    elseif since then
      if since > now - age then break end
      remove(id, run)
    end
    gone = gone + 1
    looked = looked + 1
    if has_enough() then break end
  end
  if gone > 0 then call('LTRIM', list, gone, -1) end
  in_chunks(again, function(...) call('RPUSH', list, ...) end)
end
sweep(ROOT .. 'packed', tonumber(retention), delete)
if not has_enough() then sweep(ROOT .. 'ended', tonumber(retention), delete) end
if not has_enough() then sweep(ROOT .. 'hooks', tonumber(hook_retention), give_up_hook) end
for _, key in ipairs(heavy) do free_beside(key) end
in_chunks(doomed, function(...) call('UNLINK', ...) end)
flush_moves()
for _, place in pairs(places) do forget_place(place[1], place[2]) end
return { deleted, has_enough() and 1 or 0 }
