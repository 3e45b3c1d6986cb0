-- Search for runs by what a text of theirs begins with. Zsets of one score, which Redis keeps in the order of their bytes, hold the texts:
-- search:ids run ids; search:keys idempotency keys and search:tags tag values, with the run behind them: <text>\0<id>.

-- Kinds of match in their order: i id, k idempotency key, t tag value, w workflow.
local SEARCHED = 'iktw'
local INDEX_OF = { i = 'search:ids', k = 'search:keys', t = 'search:tags' }
local INDEX_PIECE = 100

-- Iterates over the members of an index that begin with a text, from behind `after` on ('' for the beginning): run, member.
local function walk_index(key, text, after, asc)
  local low, high = '[' .. text, '(' .. text .. '\255' -- a byte that no UTF-8 text has
  local piece, at = {}, 1
  return function()
    if after and not piece[at] then
      if after ~= '' then
        if asc then low = '(' .. after else high = '(' .. after end
      end
      if asc then
        piece = call('ZRANGEBYLEX', key, low, high, 'LIMIT', 0, INDEX_PIECE)
      else
        piece = call('ZREVRANGEBYLEX', key, high, low, 'LIMIT', 0, INDEX_PIECE)
      end
      after, at = #piece == INDEX_PIECE and piece[#piece], 1
    end
    local member = piece[at]
    if not member then return nil end
    at = at + 1
    return string.match(member, '[^%z]*$'), member
  end
end

local function walk_kind(kind, text, after, wanted)
  if kind ~= 'w' then return walk_index(ROOT .. INDEX_OF[kind], text, after, wanted.sort == 'asc') end
  local statuses = wanted.statuses
  -- Running runs are among the queued ones.
  if string.find(statuses, STATUS.running, 1, true) then statuses = statuses .. STATUS.queued end
  local range = stamp_range(after, wanted.sort, wanted.created_after, wanted.created_before)
  return merge_lists(lists_of(statuses, wanted.workflow, wanted.queue, text), range, wanted.scan)
end

-- Lua's own comparison follows the locale of the server.
local function is_before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

-- Whether a run is met here for the first time in a whole search, be it on an earlier page. `run` has its idempotency key and tags.
local function is_first_met(id, kind, member, text, asc, run)
  if kind == 'i' then return true end
  -- The byte before the id is no part of what was searched for, but may be one of the text.
  if begins_with(id, text) or (kind ~= 'w' and #member - #id <= #text) then return false end
  if kind == 'k' then return true end
  if run.idempotencyKey and begins_with(run.idempotencyKey, text) then return false end
  for _, value in pairs(run.tags and cjson.decode(run.tags) or {}) do
    if begins_with(value, text) then
      local other = value .. '\0' .. id
      if kind == 'w' or (other ~= member and is_before(other, member) == asc) then return false end
    end
  end
  return true
end

-- Takes runs found by a text and wanted besides, from behind a place on: at most `limit` of the `scan` that it looks at. Answers
-- the place to go on from, kind and member or stamp, '' twice at the end.
local function search_runs(text, kind, wanted, take)
  flush_moves()
  local asc, after = wanted.sort == 'asc', wanted.after
  local range = stamp_range('', wanted.sort, wanted.created_after, wanted.created_before)
  local looked, taken, last_kind, last = 0, 0, kind, after
  for i = string.find(SEARCHED, kind, 1, true), #SEARCHED do
    local letter = string.sub(SEARCHED, i, i)
    for id, place in walk_kind(letter, text, after, wanted) do
      if taken == wanted.limit or looked == wanted.scan then return last_kind, last end
      looked, last_kind, last = looked + 1, letter, place
      local run = call('HMGET', run_key(id), RUN.idempotencyKey, RUN.tags, RUN.stamp)
      local stamp = tonumber(run.stamp or -1)
      local is_in_time = stamp >= range.low and stamp <= range.high
      if is_in_time and is_first_met(id, letter, place, text, asc, run) and is_wanted(id, wanted) then
        taken = taken + 1
        take(id)
      end
    end
    after = ''
  end
  return '', ''
end
