-- lose_leases: tells every worker that its lease is lost. So it registers again: what it wrote when it did so in the middle of a reset may be gone in part.
-- ARGS
-- RETURNS OK
for _, worker in ipairs(call('ZRANGE', ROOT .. 'workers', 0, -1)) do call('HSET', ROOT .. 'worker:' .. worker, 'lost', 1) end
return 'OK'
