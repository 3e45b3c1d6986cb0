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
  if run.status then
    leave_list(id, run.status, run.workflow, run.queue)
    places[place_of_lists(run.workflow, run.queue)] = { run.workflow, run.queue }
  end
  leave_indexes(id)
  doom(id)
end
local function give_up_hook(hook, run)
  local failed = call('HMGET', run_key(run.hookOf), RUN.retainedFrom, RUN.finishedAt, RUN.staleEntries, RUN.status, RUN.workflow, RUN.queue,
    RUN.hookOf, RUN.hookRunId, RUN.patched)
  if failed.hookRunId == hook then
    if failed.patched then count_patches(run.hookOf, run.workflow, -1) end
    delete(run.hookOf, failed)
  end
  if run.version then count_open(run.workflow, 'h' .. run.version, -1) end
  unlisten_all(hook)
  call('ZREM', ROOT .. 'due', hook)
  unqueue(hook, run.queue)
  doom(hook)
end
local function is_awaited(id) return call('EXISTS', ROOT .. 'parents:' .. id) == 1 end
-- All lists are in the order in which the retention began, so the first that is too young is the last one looked at.
local function sweep(list, age, remove)
  local gone, again = 0, {}
  for _, id in ipairs(call('LRANGE', list, 0, tonumber(limit) - looked - 1)) do
    local run = call('HMGET', run_key(id), RUN.retainedFrom, RUN.finishedAt, RUN.staleEntries, RUN.status, RUN.workflow, RUN.queue, RUN.hookOf,
      RUN.awaited, RUN.version)
    local since = tonumber(run.retainedFrom or run.finishedAt)
    if run.staleEntries then
      -- An entry of before a retry; the run gets another one.
      if call('HINCRBY', run_key(id), RUN.staleEntries, -1) < 1 then call('HDEL', run_key(id), RUN.staleEntries) end
    elseif since and (since > now or since <= now - age and run.awaited and is_awaited(id)) then
      -- The clock was put back, or not all that wait for its end were told. Its retention begins anew, so that it holds up nobody.
      call('HSET', run_key(id), RUN.retainedFrom, now_text)
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
