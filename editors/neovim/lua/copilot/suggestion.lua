-- Suggestions while typing: by Neovim's own inline completion where it has one (0.12), else by our ghost text.

local client = require('copilot.client')
local ghost = require('copilot.ghost')
local options = require('copilot.options')
local parts = require('copilot.parts')
local rpc = require('copilot.rpc')

local api = vim.api
local M = {}

local is_on = true
local NATIVE_NAMESPACE = 'nvim.lsp.inline_completion'

--- Whether Neovim shows the ghost text itself.
function M.is_native()
  return options.values.native and vim.lsp.inline_completion ~= nil
end

local function enable_native(enable)
  local running = client.get()
  if running then
    vim.lsp.inline_completion.enable(enable, { client_id = running.id })
  end
end

--- Begin in a buffer that the server looks after.
---@param buf integer
function M.attach(buf)
  local native = M.is_native()
  ghost.watch(buf, is_on and not native)
  if native then
    enable_native(is_on)
  end
end

--- Switch suggestions on or off everywhere.
---@param on boolean
function M.enable(on)
  is_on = on
  for _, buf in ipairs(api.nvim_list_bufs()) do
    if client.of(buf) then
      M.attach(buf)
    end
  end
  if not on then
    ghost.clear()
  end
end

function M.is_enabled()
  return is_on
end

local function is_native_visible()
  local namespace = M.is_native() and api.nvim_get_namespaces()[NATIVE_NAMESPACE]
  return namespace and #api.nvim_buf_get_extmarks(0, namespace, 0, -1, { limit = 1 }) > 0 or false
end

function M.is_visible()
  return ghost.is_visible() or is_native_visible()
end

--- The begin of a native suggestion; the server's suggestions begin at the cursor.
local function accept_native_part(part)
  return vim.lsp.inline_completion.get({
    on_accept = function(item)
      local text = item.insert_text
      if type(text) ~= 'string' then
        return item
      end
      local taken = parts.take(text, part)
      if taken == text then
        return item
      end
      vim.schedule(function()
        local row, col = unpack(api.nvim_win_get_cursor(0))
        local lines = vim.split(taken, '\n', { plain = true })
        api.nvim_buf_set_text(0, row - 1, col, row - 1, col, lines)
        api.nvim_win_set_cursor(0, { row - 1 + #lines, (#lines == 1 and col or 0) + #lines[#lines] })
        local from = vim.lsp.get_client_by_id(item.client_id)
        if from then
          rpc.notify(from, 'textDocument/didPartiallyAcceptCompletion', {
            item = { insertText = text, command = item.command },
            acceptedLength = rpc.utf16_length(taken),
          })
        end
      end)
    end,
  })
end

--- Insert what is shown, or a part of it; false if nothing is shown, so that a key can do something else.
---@param part ('all'|'line'|'word')?
---@return boolean
function M.accept(part)
  part = part or 'all'
  if ghost.is_visible() then
    return ghost.accept(part)
  end
  if not is_native_visible() then
    return false
  end
  if part == 'all' then
    return vim.lsp.inline_completion.get()
  end
  return accept_native_part(part)
end

--- Take away what is shown; false if nothing is.
---@return boolean
function M.dismiss()
  if not M.is_visible() then
    return false
  end
  ghost.clear()
  if is_native_visible() then
    enable_native(false)
    enable_native(true)
  end
  return true
end

--- Show another suggestion.
---@param step integer
function M.cycle(step)
  if not ghost.is_visible() and is_native_visible() then
    vim.lsp.inline_completion.select({ count = step })
    return
  end
  ghost.cycle(step)
end

--- Ask for a suggestion now, even where none is offered unasked.
function M.request()
  ghost.request(ghost.INVOKED)
end

return M
