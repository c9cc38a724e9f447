-- Keys of insert mode. A key that the user has mapped is left to the user; a key without a suggestion to act on
-- does what it did before.

local options = require('copilot.options')
local suggestion = require('copilot.suggestion')

local M = {}

local ACTIONS = {
  accept = function()
    return suggestion.accept('all')
  end,
  accept_word = function()
    return suggestion.accept('word')
  end,
  accept_line = function()
    return suggestion.accept('line')
  end,
  dismiss = suggestion.dismiss,
  next = function()
    suggestion.cycle(1)
    return true
  end,
  previous = function()
    suggestion.cycle(-1)
    return true
  end,
  request = function()
    suggestion.request()
    return true
  end,
}
local NEEDS_SUGGESTION = { accept = true, accept_word = true, accept_line = true, dismiss = true }

---@type table<string, string> name -> lhs of the keys that are the user's own
M.taken = {}
---@type table<string, string> name -> lhs of the keys that we mapped
M.mapped = {}

--- Neovim maps Tab itself, to jump in snippets.
local function is_default(mapping)
  return type(mapping.desc) == 'string' and mapping.desc:match('^vim%.snippet%.jump') ~= nil
end

local function typed(lhs)
  local keys = vim.api.nvim_replace_termcodes(lhs, true, true, true)
  vim.api.nvim_feedkeys(keys, 'in', false) -- before what was typed since
end

--- What a key did before: Neovim's default for it, else the key itself.
local function fallback(lhs, before)
  if before and before.callback then
    local keys = before.callback()
    if before.expr == 1 and type(keys) == 'string' and keys ~= '' then
      typed(keys)
    end
    return
  end
  typed(lhs)
end

local function map(name, lhs)
  local before = vim.fn.maparg(lhs, 'i', false, true)
  local has_before = not vim.tbl_isempty(before)
  if has_before and before.desc ~= 'copilot: ' .. name and not is_default(before) then
    M.taken[name] = lhs
    return
  end
  local default = has_before and is_default(before) and before or nil
  vim.keymap.set('i', lhs, function()
    if NEEDS_SUGGESTION[name] and not suggestion.is_visible() then
      return fallback(lhs, default)
    end
    if not ACTIONS[name]() then
      fallback(lhs, default)
    end
  end, { desc = 'copilot: ' .. name, silent = true })
  M.mapped[name] = lhs
end

--- Map what the user wants mapped, and the <Plug> keys for those who map by hand.
function M.set()
  for _, lhs in pairs(M.mapped) do
    pcall(vim.keymap.del, 'i', lhs)
  end
  M.taken, M.mapped = {}, {}
  for name, action in pairs(ACTIONS) do
    local plug = '<Plug>(copilot-' .. name:gsub('_', '-') .. ')'
    vim.keymap.set('i', plug, function()
      action()
    end, { desc = 'copilot: ' .. name })
  end
  for name, lhs in vim.spairs(options.values.keys) do
    if lhs then
      map(name, lhs)
    end
  end
end

return M
