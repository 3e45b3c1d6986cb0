-- await_run: answers the outcome of an ended run, or registers the caller's channel to be told.
-- ARGS
--   id
--   channel
-- RETURNS { ENDED, status, payload, workflow } | { PENDING } | { MISSING }
local run = call('HMGET', run_key(id), RUN.status, RUN.workflow, RUN.pieces)
local status = run.status
local function payload(field) return (run.pieces and data_field(id, field) or call('HGET', data_key(id), field)) or '' end
if not status then return { 'MISSING' } end
if status == STATUS.succeeded then return { 'ENDED', status, payload('o'), run.workflow } end
if status == STATUS.failed then return { 'ENDED', status, payload('e'), run.workflow } end
if status == STATUS.canceled then return { 'ENDED', status, canceled_error(id), run.workflow } end
call('SADD', ROOT .. 'waiters:' .. id, channel)
call('HSET', run_key(id), RUN.awaited, 1)
return { 'PENDING' }
