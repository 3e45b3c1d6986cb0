-- register_worker: starts a lease. A worker that had lost its lease gives back what is left of its runs first.
-- ARGS
--   worker
--   lease            ms
--   app
--   queues           JSON array, sorted
--   concurrency
--   deployment       '' for a worker that is stopping: it serves nothing more
--   team             of the workers of the deployment that serve the same workflows
--   workflows        JSON array of their names
--   forget_after     ms for which what it declares is kept while nobody serves it
--   since            stamp of the deployment as the worker was told it before, '' for none
--   serves           JSON array of what it serves: names of workflows, and of each version name, NUL and version; sorted
-- RETURNS { OK, now, stamp of the deployment } | { AGAIN, now, '' } while runs of the lost lease remain
local till = real + finite(lease)
local kept = finite(forget_after)
if since ~= '' then finite(since) end
-- One that is stopping claims nothing, and is not to be woken for what it gives back.
if deployment == '' then
  deployments.leave(worker)
  sets.leave(worker)
end
if requeue_lost(worker, 100) == 100 then return { 'AGAIN', now, '' } end
local stamp, is_start = '', false
if deployment ~= '' then stamp, is_start = deployments.join(worker, deployment, team, workflows, kept, since) end
local record = ROOT .. 'worker:' .. worker
call('ZADD', ROOT .. 'workers', till, worker)
call('HDEL', record, 'lost')
call('HSET', record, 'app', app, 'queues', queues, 'concurrency', concurrency, 'running', 0, 'seen', now)
if deployment ~= '' then
  sets.join(worker, deployment, cjson.decode(serves), cjson.decode(queues), is_start)
  blocks.offer_some()
end
return { 'OK', now, stamp }
