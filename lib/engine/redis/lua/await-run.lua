-- await_run: answers the outcome of an ended run, or registers the caller's channel to be told.
-- ARGS
--   id
--   channel
-- RETURNS { ENDED, status, payload, workflow } | { PENDING } | { MISSING }
local run = call('HMGET', run_key(id), 'st', 'wf', 'z')
local status = run[1]
local function payload(field) return (run[3] and rare().data_field(id, field) or call('HGET', data_key(id), field)) or '' end
if not status then return { 'MISSING' } end
if status == 's' then return { 'ENDED', status, payload('o'), run[2] } end
if status == 'f' then return { 'ENDED', status, payload('e'), run[2] } end
if status == 'c' then return { 'ENDED', status, rare().canceled_error(id), run[2] } end
call('SADD', ROOT .. 'waiters:' .. id, channel)
call('HSET', run_key(id), 'nw', 1)
return { 'PENDING' }
