-- The error of a canceled run, as it is told to those who wait for its end; with `hook`, that of the run's failure hook.
local function canceled_error(id, hook)
  local reason = data_field(hook or id, 'cx')
  local message = (hook and 'The failure hook of run "' or 'Run "') .. id .. '" was canceled'
  local text = ERROR.RunCanceledError .. cjson.encode(message .. (reason and ': ' .. reason or '.')) .. ',"runId":' .. cjson.encode(id)
  if reason then text = text .. ',"reason":' .. cjson.encode(reason) end
  return text .. '}'
end
