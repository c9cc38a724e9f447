-- :Copilot and what may follow it.

local ask = require('copilot.ask')
local client = require('copilot.client')
local notice = require('copilot.notice')
local review = require('copilot.review')
local rpc = require('copilot.rpc')
local status = require('copilot.status')
local suggestion = require('copilot.suggestion')

local M = {}

local function question(words, given, chat)
  local lines = given.range > 0 and { given.line1, given.line2 } or nil
  if words ~= '' then
    ask.ask(words, { lines = lines, chat = chat })
    return
  end
  vim.ui.input({ prompt = chat and 'Say: ' or 'Ask: ' }, function(text)
    if text and vim.trim(text) ~= '' then
      ask.ask(text, { lines = lines, chat = chat })
    end
  end)
end

local function ask_server(method, params, done)
  local from = client.get()
  if not from then
    notice.say(client.absence(), vim.log.levels.WARN)
    return
  end
  rpc.request(from, method, params, function(err, result)
    if err then
      notice.say(err.message, vim.log.levels.WARN)
    else
      done(result)
    end
  end)
end

local function show_status()
  local refusal = client.refusal(0)
  local lines = refusal and { 'this buffer is left alone: ' .. refusal } or {}
  if not client.get() then
    table.insert(lines, 'state: ' .. client.absence())
    notice.say(table.concat(lines, '\n'))
    return
  end
  ask_server('copilot/status', vim.empty_dict(), function(result)
    notice.say(table.concat(vim.list_extend(lines, status.describe(result)), '\n'))
  end)
end

local function warm()
  local root = client.root(0)
  local params = root and { uri = vim.uri_from_fname(root) } or vim.empty_dict()
  ask_server('copilot/warm', params, function(result)
    notice.say(('%d tokens of the repository are read; %d were read already'):format(result.tokens, result.reused_tokens))
  end)
end

local COMMANDS = {
  ask = function(words, given)
    question(words, given, false)
  end,
  chat = function(words, given)
    question(words, given, true)
  end,
  forget = function()
    ask.forget()
  end,
  review = function(words)
    review.run(words ~= '' and words or nil)
  end,
  fix = function()
    review.fix()
  end,
  status = show_status,
  warm = warm,
  enable = function()
    suggestion.enable(true)
  end,
  disable = function()
    suggestion.enable(false)
  end,
  toggle = function()
    suggestion.enable(not suggestion.is_enabled())
    notice.say(suggestion.is_enabled() and 'suggestions are on' or 'suggestions are off')
  end,
  cancel = function()
    ask.stop()
  end,
  stop = function()
    client.stop()
  end,
  restart = function()
    client.restart()
  end,
  log = function()
    vim.cmd.tabedit(vim.fn.fnameescape(vim.lsp.get_log_path and vim.lsp.get_log_path() or vim.lsp.log.get_filename()))
  end,
}

--- Run `:Copilot NAME REST`.
function M.run(given)
  local name, rest = given.args:match('^(%S*)%s*(.-)%s*$')
  local command = COMMANDS[name == '' and 'status' or name]
  if not command then
    local names = table.concat(vim.fn.sort(vim.tbl_keys(COMMANDS)), ', ')
    notice.say(('there is no :Copilot %s; there are %s'):format(name, names), vim.log.levels.WARN)
    return
  end
  command(rest, given)
end

--- What may follow in a command line.
---@param line string
---@return string[]
function M.complete(line)
  local name, begun = line:match('Copilot%s+(%S+)%s+(%S*)$')
  local names = vim.fn.sort(vim.tbl_keys(COMMANDS))
  if name then
    names = name == 'review' and review.WHICH or {}
  else
    begun = line:match('Copilot%s+(%S*)$') or ''
  end
  return vim.tbl_filter(function(each)
    return vim.startswith(each, begun)
  end, names)
end

return M
