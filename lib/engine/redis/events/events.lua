-- Events that somebody waits for lie in mail:<place> by their stamp, open waits in listeners:<place> by the stamp of their
-- registration, both from the counter that stamps runs: so "emitted since the run was created" compares stamps, not clocks.
-- A place is <bytes of the event's name>:<name>:<correlation key>.
local EVENTS_PER_CALL = 100

local function place_of(name, key) return #name .. ':' .. name .. ':' .. key end
local function event_key(id) return ROOT .. 'event:' .. id end

-- <bytes of the envelope>:<envelope><data>: the data stays as its emitter encoded it.
local function envelope_of(id, event)
  local envelope = '{"id":' .. cjson.encode(id) .. ',"name":' .. cjson.encode(event.name) .. ',"ts":' .. event.ts
  if event.correlationKey then envelope = envelope .. ',"correlationKey":' .. cjson.encode(event.correlationKey) end
  return envelope .. '}'
end
local function received(id)
  local event = call('HMGET', event_key(id), EVENT.name, EVENT.ts, EVENT.correlationKey, EVENT.data)
  local envelope = envelope_of(id, event)
  return #envelope .. ':' .. envelope .. (event.data or '')
end
