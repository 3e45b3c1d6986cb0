-- cancel_run: cancels a run: at once, or when the pass that executes it ends.
-- Guarantee: YES for exactly one call, which decides that the run ends canceled; a repeat of that call answers YES again.
-- ARGS
--   id
--   reason           '' for none
--   compensate       1, or 0 to leave what completed steps did
--   nonce            a value of this call alone
-- RETURNS { YES | NO | MISSING, status letter, 1 if descendants are left for continue_cancel }
local answer = request_cancel(id, reason, compensate, nonce)
return { answer[1], answer[2], call('EXISTS', ROOT .. 'canceling') }
