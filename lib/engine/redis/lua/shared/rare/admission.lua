-- What a new run is subject to, by its workflow's options: JSON with m mutex key, t throttle and r rate limit as [limit, ms, key], d
-- debounce as [ms, timeout in ms or 0, key]. Keys are the user's text, of any content.

-- The fields by which the claim knows the gates of a run.
local function keep_gates(admission, keep)
  if admission.m then keep('mx', admission.m) end
  local throttle = admission.t
  if throttle then keep('th', string.format('%.0f,%.0f,', throttle[1], throttle[2]) .. throttle[3]) end
end
