-- cancel_run: cancels a run: at once, or when the pass that executes it ends.
-- Guarantee: YES for exactly one call, which decides that the run ends canceled; a repeat of that call answers YES again.
-- ARGS
--   id
--   reason           '' for none
--   compensate       1, or 0 to leave what completed steps did
--   nonce            a value of this call alone
--   only             letters of the statuses in which it is canceled, '' for any
--   hook             1 to cancel its failure hook in its place
-- RETURNS { YES | NO | MISSING, status letter, 1 if descendants are left for continue_cancel }
if only ~= '' then
  local run = call('HMGET', run_key(id), RUN.status, RUN.cancelNonce)
  if run.status and run.cancelNonce ~= nonce and not string.find(only, run.status, 1, true) then return { 'NO', run.status, 0 } end
end
local answer
if hook == '1' then
  answer = request_hook_cancel(id, reason, nonce)
else
  answer = request_cancel(id, reason, compensate, nonce)
end
return { answer[1], answer[2], call('EXISTS', ROOT .. 'canceling') }
