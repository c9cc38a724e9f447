-- Questions and conversations: the answer is streamed into a Markdown buffer; its places can be jumped to.

local client = require('copilot.client')
local links = require('copilot.links')
local notice = require('copilot.notice')
local options = require('copilot.options')
local rpc = require('copilot.rpc')

local api = vim.api
local M = {}

local NAME = 'copilot://answer'
local INVALID_PARAMS = -32602
local namespace = api.nvim_create_namespace('copilot.links')
local number = 0
---@type {name: string, client: integer}? a new server knows nothing of what was said to an old one
local conversation
---@type {client: vim.lsp.Client, id: integer}?
local running
---@type string? root of the repository that was asked about
local root
---@type table<string, string> path as cited -> file
local cited = {}

local function resolve(path)
  if cited[path] then
    return cited[path]
  end
  local file = root and vim.fs.joinpath(root, path) or path
  return vim.uv.fs_stat(file) and file or nil
end

local function follow()
  local place = links.at_cursor()
  local file = place and resolve(place.path)
  if file then
    links.open(file, place.line)
  else
    notice.say('there is no file:line here')
  end
end

local function buffer()
  for _, buf in ipairs(api.nvim_list_bufs()) do
    if api.nvim_buf_get_name(buf) == NAME and api.nvim_buf_is_loaded(buf) then
      return buf
    end
  end
  local buf = api.nvim_create_buf(false, true)
  api.nvim_buf_set_name(buf, NAME)
  vim.bo[buf].bufhidden = 'hide'
  vim.bo[buf].modifiable = false
  for _, lhs in ipairs({ '<CR>', 'gd', 'gf' }) do
    vim.keymap.set('n', lhs, follow, { buffer = buf, desc = 'copilot: go to the place under the cursor' })
  end
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = buf, desc = 'copilot: close' })
  vim.keymap.set('n', '<C-c>', function()
    M.stop()
  end, { buffer = buf, desc = 'copilot: stop answering' })
  vim.bo[buf].filetype = 'markdown'
  return buf
end

local function show(buf)
  local win = vim.fn.bufwinid(buf)
  if win == -1 then
    local before = api.nvim_get_current_win()
    vim.cmd(options.values.answer_window)
    win = api.nvim_get_current_win()
    api.nvim_win_set_buf(win, buf)
    vim.wo[win].wrap = true
    vim.wo[win].linebreak = true
    api.nvim_set_current_win(before)
  end
  return win
end

local function write(buf, first, last, lines)
  if not api.nvim_buf_is_valid(buf) then
    return
  end
  local win = vim.fn.bufwinid(buf)
  local is_at_end = win ~= -1 and api.nvim_win_get_cursor(win)[1] >= api.nvim_buf_line_count(buf)
  vim.bo[buf].modifiable = true
  api.nvim_buf_set_lines(buf, first, last, false, lines)
  vim.bo[buf].modifiable = false
  vim.bo[buf].modified = false
  if is_at_end then
    api.nvim_win_set_cursor(win, { api.nvim_buf_line_count(buf), 0 })
  end
end

local function append(buf, text)
  local last = api.nvim_buf_get_lines(buf, -2, -1, false)[1] or ''
  write(buf, -2, -1, vim.split(last .. text, '\n', { plain = true }))
end

local function heading(text)
  local lines = {}
  for _, line in ipairs(vim.split(vim.trim(text), '\n', { plain = true })) do
    table.insert(lines, '> ' .. line)
  end
  return vim.list_extend(lines, { '', '' })
end

local function sources(citations)
  local lines, seen = {}, {}
  for _, each in ipairs(citations or {}) do
    cited[each.path] = each.uri and vim.uri_to_fname(each.uri) or nil
    local last = each.end_line ~= each.start_line and '-' .. each.end_line or ''
    local place = ('- %s:%d%s'):format(each.path, each.start_line, last)
    if not seen[place] then
      seen[place] = true
      table.insert(lines, place)
    end
  end
  return #lines > 0 and vim.list_extend({ '', 'Sources:', '' }, lines) or {}
end

local function finished(buf, start, result)
  local body = vim.split(vim.trim(result.answer or ''), '\n', { plain = true })
  for _, said in ipairs(result.notices or {}) do
    vim.list_extend(body, { '', '_' .. said .. '_' })
  end
  vim.list_extend(body, sources(result.citations))
  write(buf, start, -1, body)
  links.mark(buf, namespace, resolve)
end

local function failed(buf, text)
  append(buf, ('\n\n_%s_'):format(text))
end

local function begin(buf, question, is_more)
  local lines = heading(question)
  if is_more and api.nvim_buf_line_count(buf) > 1 then
    table.insert(lines, 1, '')
    write(buf, -1, -1, lines)
  else
    write(buf, 0, -1, lines)
    cited = {}
  end
  return api.nvim_buf_line_count(buf) - 1
end

local function document(buf)
  return { uri = vim.uri_from_bufnr(buf) }
end

local function chosen(lines)
  return {
    start = { line = lines[1] - 1, character = 0 },
    ['end'] = { line = lines[2], character = 0 },
  }
end

--- Stop the answer that is being given.
function M.stop()
  local stopped = running
  if stopped then
    stopped.ended() -- Neovim calls nobody back for what is cancelled
    failed(stopped.buf, 'Stopped.')
    rpc.cancel(stopped.client, stopped.id)
  end
end

--- What a server calls the conversation that it keeps, if there is one.
local function known(from)
  return conversation and conversation.client == from.id and conversation.name or nil
end

--- Send a question; a conversation that the server has lost is begun anew.
local function send(mine, method, params)
  mine.id = rpc.request(mine.client, method, params, function(err, result)
    if mine.is_over then
      return
    end
    if err and err.code == INVALID_PARAMS and params.conversation then
      params.conversation = nil
      send(mine, method, params)
      return
    end
    mine.ended()
    if err then
      failed(mine.buf, err.message)
      return
    end
    if result.conversation then
      conversation = { name = result.conversation, client = mine.client.id }
    end
    finished(mine.buf, mine.start, result)
  end, mine.asked_in)
end

--- Ask, about the given lines of the current buffer where there are some.
---@param question string
---@param wants {lines: integer[]?, chat: boolean?}
function M.ask(question, wants)
  local asked_in = api.nvim_get_current_buf()
  local from = client.of(asked_in) or client.get()
  if not from or not from.initialized then
    notice.say(client.absence(), vim.log.levels.WARN)
    return
  end
  M.stop()
  local is_file = vim.bo[asked_in].buftype == ''
  root = is_file and client.root(asked_in) or root or from.root_dir
  local buf = buffer()
  show(buf)
  local start = begin(buf, question, wants.chat)
  number = number + 1
  local token = ('copilot-answer-%d'):format(number)
  local params = {
    textDocument = is_file and api.nvim_buf_get_name(asked_in) ~= '' and document(asked_in) or nil,
    range = wants.lines and chosen(wants.lines) or nil,
    partialResultToken = token,
  }
  if wants.chat then
    params.message, params.conversation = question, known(from)
  else
    params.question = question
  end
  local mine = { client = from, asked_in = asked_in, buf = buf, start = start, is_over = false }
  local forget
  function mine.ended()
    forget()
    mine.is_over = true
    if running == mine then
      running = nil
    end
  end
  forget = client.listen(token, function(value)
    if value.text then
      append(buf, value.text)
    end
  end, function()
    mine.ended()
    failed(buf, 'The language server ended before the answer did; ask again.')
  end)
  running = mine
  send(mine, wants.chat and 'copilot/chat' or 'copilot/ask', params)
end

--- The next `chat` begins a new conversation.
function M.forget()
  local from = client.get()
  local name = from and known(from)
  if name then
    rpc.request(from, 'copilot/chat/end', { conversation = name }, function() end)
  end
  conversation = nil
end

return M
