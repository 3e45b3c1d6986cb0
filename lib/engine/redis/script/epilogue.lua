-- Runs the operations in order. One that fails answers { 'ERROR', message } and leaves the others alone.
local replies = {}
local base = 1
local total = #ARGV
while base <= total do
  local count = tonumber(ARGV[base + 1])
  local name = ARGV[base]
  if not ops[name] then rare() end
  local ok, reply = pcall(ops[name], base + 1, count)
  if not keeps_owners[name] then guarded = {} end
  controls = nil
  if not ok then
    reply = { 'ERROR', type(reply) == 'table' and reply.err or tostring(reply) }
  end
  replies[#replies + 1] = reply
  base = base + 2 + count
end
flush_bookkeeping()
if are_counted then
  call('HSET', ROOT .. 'counters', 'seq', counters.seq, 'created', counters.created)
end
return replies
