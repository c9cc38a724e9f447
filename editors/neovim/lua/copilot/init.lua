-- The plugin's face: setup, and the functions that users map and put into status lines.

local M = {}

M.is_set_up = false

--- Configure and start; may be called again to change options.
---@param given table?
function M.setup(given)
  local client = require('copilot.client')
  local notice = require('copilot.notice')
  local options = require('copilot.options')
  local wrong = options.set(given)
  if #wrong > 0 then
    notice.once('setup: ' .. table.concat(wrong, '; '), vim.log.levels.WARN)
  end
  vim.api.nvim_set_hl(0, 'CopilotGhost', { default = true, link = 'Comment' })
  vim.api.nvim_set_hl(0, 'CopilotLink', { default = true, link = 'Underlined' })
  require('copilot.suggestion').enable(options.values.suggestions)
  require('copilot.keys').set()
  local group = vim.api.nvim_create_augroup('copilot', { clear = true })
  vim.api.nvim_create_autocmd({ 'FileType', 'BufNewFile', 'BufReadPost' }, {
    group = group,
    callback = function(event)
      vim.schedule(function() -- after the file type is known
        if vim.api.nvim_buf_is_valid(event.buf) then
          client.attach(event.buf)
        end
      end)
    end,
  })
  vim.api.nvim_create_autocmd('BufFilePre', {
    group = group,
    callback = function(event)
      client.rename(event.buf)
    end,
  })
  vim.api.nvim_create_autocmd('LspAttach', {
    group = group,
    callback = function(event)
      local attached = vim.lsp.get_client_by_id(event.data.client_id)
      if attached and attached.name == client.NAME then
        require('copilot.suggestion').attach(event.buf)
      end
    end,
  })
  M.is_set_up = true
  client.start()
end

--- Accept all, a line or a word of the suggestion; false if none is shown, for keys that do something else then.
---@param part ('all'|'line'|'word')?
---@return boolean
function M.accept(part)
  return require('copilot.suggestion').accept(part)
end

--- Whether a suggestion is shown.
function M.is_visible()
  return require('copilot.suggestion').is_visible()
end

--- Take the suggestion away; false if none is shown.
function M.dismiss()
  return require('copilot.suggestion').dismiss()
end

--- A few characters for a status line; `User CopilotStatus` is triggered when it changes.
function M.statusline()
  return require('copilot.status').line()
end

--- Ask a question, about the lines {first, last} of the current buffer where they are given.
---@param question string
---@param lines integer[]?
function M.ask(question, lines)
  require('copilot.ask').ask(question, { lines = lines })
end

return M
