-- put_aside: a worker was handed a run that it does not serve, as where its set lives alone: the run goes to its lane, at the position that it
-- had, and claims look from then on. What it was handed of gates is given back: no pass, no attempt, no recovery, and no start if it had none.
-- ARGS
--   id
--   fence
--   position         as the claim has answered it
--   suspect          1 if it is one
--   began            1 if it had begun before the claim
-- RETURNS OK | DONE | LOST
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return state end
finite(position)
local key, queue = run_key(id), run.queue
if run.held then
  give_back(id, run.held, began == '1' and 'c' or 'mtc', began ~= '1')
  run.held = call('HGET', key, RUN.held)
end
if began ~= '1' then
  call('HDEL', key, RUN.startedAt)
  -- One that was retried has begun before: `ca` is left of that. It stays without a version if it began without.
  if call('HEXISTS', key, RUN.claimedAt) == 0 then call('HSET', key, RUN.putAside, 1) end
end
call('SREM', ROOT .. 'owned:' .. run.workerId, id)
if is_canceled(id, run) then
  end_canceled(id, run)
  return 'OK'
end
call('HSET', key, RUN.status, STATUS.queued)
lanes.enter(suspect == '1' and 's' or 'q', id, queue, routes.of_run(id), position)
wake_server(queue, id)
return 'OK'
