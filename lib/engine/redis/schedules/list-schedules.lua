-- list_schedules: one page of schedules, by id.
-- ARGS
--   after            last id seen, '' for the beginning
--   limit
-- RETURNS { id, workflow, expression, zone, next instant, last instant, 1 if paused }…
local page = {}
local start = after == '' and '-' or '(' .. after
for _, id in ipairs(call('ZRANGEBYLEX', ROOT .. 'schedules', start, '+', 'LIMIT', 0, limit)) do
  page[#page + 1] = { id, unpack(call('HMGET', schedule_key(id), SCHEDULE.workflow, SCHEDULE.expression, SCHEDULE.zone, SCHEDULE.next, SCHEDULE.last,
    SCHEDULE.paused), 1, 6) }
end
return page
