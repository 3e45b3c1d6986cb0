-- What a run's record shows of its data: input, output, error, cancel reason, errors of compensations and of the failure hook.
local function payloads_of(id) return call('HMGET', data_key(id), 'i', 'o', 'e', 'cx', 'ce', 'fe') end
