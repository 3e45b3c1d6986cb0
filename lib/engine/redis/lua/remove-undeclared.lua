-- remove_undeclared: removes what the application has registered and no living worker of it declares any more.
-- Guarantee: entries of another application stay, and at most `limit` are removed per call. Only a worker that starts asks for it,
-- so an outage removes nothing.
-- ARGS
--   worker           which declares by its own record
--   limit
-- RETURNS OK | AGAIN while more remain | LOST when the worker has no lease
local lease = call('ZSCORE', ROOT .. 'workers', worker)
local record = call('HMGET', ROOT .. 'worker:' .. worker, 'app', 'declares')
local app, declares = record[1], record[2]
if not lease or tonumber(lease) <= real or not declares then return 'LOST' end
local index = ROOT .. 'app:' .. app
local candidates, left = {}, 0
for _, member in ipairs(call('SMEMBERS', index)) do
  candidates[member] = true
  left = left + 1
end
local seen = {}
local function spare(declared)
  if not declared or seen[declared] then return end
  seen[declared] = true
  for _, member in ipairs(cjson.decode(declared)) do
    if candidates[member] then
      candidates[member] = nil
      left = left - 1
    end
  end
end
spare(declares)
if left > 0 then
  for _, other in ipairs(call('ZRANGEBYSCORE', ROOT .. 'workers', '(' .. real, '+inf')) do
    if left == 0 then break end
    local of = call('HMGET', ROOT .. 'worker:' .. other, 'app', 'declares')
    if of[1] == app then spare(of[2]) end
  end
end
local removed = 0
for member in pairs(candidates) do
  if removed == tonumber(limit) then return 'AGAIN' end
  local kind, key = string.sub(member, 1, 1), string.sub(member, 2)
  if owner_of(kind, key) == app then remove_entry(kind, key) end
  call('SREM', index, member)
  removed = removed + 1
end
return 'OK'
