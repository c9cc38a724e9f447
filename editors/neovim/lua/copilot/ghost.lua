-- Our own ghost text, for a Neovim without inline completion and for suggestions asked for by key.
-- A suggestion stays while the user types what it says; anything else takes it away and asks anew.

local client = require('copilot.client')
local options = require('copilot.options')
local parts = require('copilot.parts')
local rpc = require('copilot.rpc')

local api = vim.api
local M = {}

M.INVOKED, M.AUTOMATIC = 1, 2
local namespace = api.nvim_create_namespace('copilot.ghost')

---@class copilot.Shown
---@field buf integer
---@field row integer where the suggestion begins, counted from 0
---@field col integer in bytes
---@field tail string what stands behind the cursor and is replaced
---@field after string what stands behind that
---@field text string all that it inserts from its beginning on
---@field items table[]
---@field index integer
---@field client vim.lsp.Client
---@field accepted integer how much of the item was taken before, in bytes

---@type copilot.Shown?
local shown
---@type {client: vim.lsp.Client, id: integer}?
local pending
local last_tick = -1

local function is_menu_open()
  return options.values.hide_with_menu and vim.fn.pumvisible() == 1
end

--- Take the ghost text away and stop asking.
function M.clear()
  if pending then
    rpc.cancel(pending.client, pending.id)
    pending = nil
  end
  if shown then
    if api.nvim_buf_is_valid(shown.buf) then
      api.nvim_buf_clear_namespace(shown.buf, namespace, 0, -1)
    end
    shown = nil
  end
end

--- What is left to insert at the cursor; nil if the text is no longer what the suggestion was made for.
local function remaining()
  if not shown or api.nvim_get_current_buf() ~= shown.buf then
    return nil
  end
  local row, col = unpack(api.nvim_win_get_cursor(0))
  if row - 1 ~= shown.row or col < shown.col then
    return nil
  end
  local line = api.nvim_get_current_line()
  local typed = line:sub(shown.col + 1, col)
  if shown.text:sub(1, #typed) ~= typed or line:sub(col + 1) ~= shown.tail .. shown.after then
    return nil
  end
  local rest = shown.text:sub(#typed + 1)
  return rest ~= '' and rest or nil
end

--- Whether there is something to accept.
function M.is_visible()
  return remaining() ~= nil
end

local function set_mark(first, position, lines)
  local row, col = unpack(api.nvim_win_get_cursor(0))
  local tabstop = vim.bo[shown.buf].tabstop
  local column = vim.fn.strdisplaywidth(api.nvim_get_current_line():sub(1, col))
  local below = {}
  for number, line in ipairs(lines) do
    local chunks = { { parts.untabbed(line, 0, tabstop), 'CopilotGhost' } }
    if number == #lines and shown.after ~= '' then
      table.insert(chunks, { parts.untabbed(shown.after, 0, tabstop), 'Normal' })
    end
    table.insert(below, chunks)
  end
  api.nvim_buf_clear_namespace(shown.buf, namespace, 0, -1)
  api.nvim_buf_set_extmark(shown.buf, namespace, row - 1, col, {
    virt_text = { { parts.untabbed(first, column, tabstop), 'CopilotGhost' } },
    virt_text_pos = position,
    virt_lines = #below > 0 and below or nil,
    hl_mode = 'combine',
  })
end

local function draw(rest)
  local lines = vim.split(rest, '\n', { plain = true })
  local first = table.remove(lines, 1)
  local behind = shown.tail .. shown.after
  if #lines == 0 and vim.endswith(first, shown.tail) then
    set_mark(first:sub(1, #first - #shown.tail), 'inline', lines)
  elseif #lines == 0 then
    set_mark(first .. shown.after, 'overlay', lines)
  elseif behind == '' then
    set_mark(first, 'inline', lines)
  else
    local covered = vim.fn.strdisplaywidth(behind) - vim.fn.strdisplaywidth(first)
    set_mark(first .. (' '):rep(math.max(0, covered)), 'overlay', lines)
  end
end

local function update()
  local rest = not is_menu_open() and remaining() or nil
  if rest then
    draw(rest)
  end
  return rest ~= nil
end

local function present(buf, from, items, index)
  local item = items[index]
  local row, col = unpack(api.nvim_win_get_cursor(0))
  local line = api.nvim_get_current_line()
  local start, stop = col, col
  if item.range then
    if item.range.start.line ~= row - 1 then
      return
    end
    start = rpc.byte_column(line, item.range.start.character, from.offset_encoding)
    stop = #line
    if item.range['end'].line == row - 1 then
      stop = math.max(col, rpc.byte_column(line, item.range['end'].character, from.offset_encoding))
    end
  end
  shown = {
    buf = buf,
    row = row - 1,
    col = start,
    tail = line:sub(col + 1, stop),
    after = line:sub(stop + 1),
    text = item.insertText,
    items = items,
    index = index,
    client = from,
    accepted = 0,
  }
  if update() then
    rpc.notify(from, 'textDocument/didShowCompletion', { item = item })
  else
    M.clear()
  end
end

--- Ask for a suggestion at the cursor.
---@param trigger integer
function M.request(trigger)
  M.clear()
  local buf = api.nvim_get_current_buf()
  local from = client.of(buf)
  if not from or is_menu_open() then
    return
  end
  local params = vim.lsp.util.make_position_params(0, from.offset_encoding)
  params.context = { triggerKind = trigger }
  local tick, cursor = api.nvim_buf_get_changedtick(buf), api.nvim_win_get_cursor(0)
  local mine = { client = from }
  pending = mine
  mine.id = rpc.request(from, 'textDocument/inlineCompletion', params, function(err, result)
    if pending ~= mine then
      return
    end
    pending = nil
    local items = vim.tbl_filter(function(item)
      return type(item.insertText) == 'string' and item.insertText ~= ''
    end, (not err and type(result) == 'table') and (result.items or result) or {})
    local is_same = api.nvim_get_current_buf() == buf
      and api.nvim_buf_get_changedtick(buf) == tick
      and vim.deep_equal(cursor, api.nvim_win_get_cursor(0))
    if #items > 0 and is_same and api.nvim_get_mode().mode:sub(1, 1) == 'i' then
      present(buf, from, items, 1)
    end
  end, buf)
  if not mine.id then
    pending = nil
  end
end

--- Show the next of several suggestions, or ask for one.
---@param step integer
function M.cycle(step)
  if not M.is_visible() or #shown.items < 2 then
    M.request(M.INVOKED)
    return
  end
  local one = shown
  present(one.buf, one.client, one.items, (one.index - 1 + step) % #one.items + 1)
end

local function insert(text, replaced)
  local row, col = unpack(api.nvim_win_get_cursor(0))
  vim.cmd('let &g:undolevels = &g:undolevels') -- one step of undo for what is accepted
  local lines = vim.split(text, '\n', { plain = true })
  api.nvim_buf_set_text(0, row - 1, col, row - 1, col + replaced, lines)
  local end_col = (#lines == 1 and col or 0) + #lines[#lines]
  api.nvim_win_set_cursor(0, { row - 1 + #lines, end_col })
end

--- Insert all or a part of what is shown; false if nothing is.
---@param part 'all'|'line'|'word'
---@return boolean
function M.accept(part)
  local rest = remaining()
  if not rest then
    return false
  end
  local one, taken = shown, parts.take(rest, part)
  local item = one.items[one.index]
  if taken == rest then
    M.clear()
    insert(rest, #one.tail)
    if item.command then
      rpc.execute(one.client, item.command, one.buf)
    end
    return true
  end
  insert(taken, 0)
  local row, col = unpack(api.nvim_win_get_cursor(0))
  one.accepted = one.accepted + #one.text - #rest + #taken
  one.row, one.col, one.text = row - 1, col, rest:sub(#taken + 1)
  last_tick = api.nvim_buf_get_changedtick(one.buf)
  update()
  rpc.notify(one.client, 'textDocument/didPartiallyAcceptCompletion', {
    item = item,
    acceptedLength = rpc.utf16_length(item.insertText:sub(1, one.accepted)),
  })
  return true
end

local function changed()
  last_tick = api.nvim_buf_get_changedtick(0)
  if not update() then
    M.request(M.AUTOMATIC)
  end
end

local function moved()
  if api.nvim_buf_get_changedtick(0) == last_tick and not update() then
    M.clear()
  end
end

--- Watch the user type in a buffer.
---@param buf integer
---@param automatic boolean whether to ask without being asked to
function M.watch(buf, automatic)
  local group = api.nvim_create_augroup('copilot.ghost.' .. buf, { clear = true })
  local function on(events, callback)
    api.nvim_create_autocmd(events, { group = group, buffer = buf, callback = callback })
  end
  on({ 'InsertLeave', 'BufLeave', 'TextChangedP' }, M.clear)
  on('CursorMovedI', moved)
  on('TextChangedI', function()
    if automatic then
      changed()
    elseif not update() then
      M.clear()
    end
  end)
  if automatic then
    on('InsertEnter', changed)
  end
end

--- Stop watching a buffer.
function M.unwatch(buf)
  M.clear()
  api.nvim_create_augroup('copilot.ghost.' .. buf, { clear = true })
end

return M
