-- Messages to the user: one line, and the same one not twice.

local M = {}

local said = {}

---@param text string
---@param level integer?
function M.say(text, level)
  vim.notify('copilot: ' .. text, level or vim.log.levels.INFO)
end

function M.once(text, level)
  if not said[text] then
    said[text] = true
    M.say(text, level)
  end
end

--- Everything may be said again.
function M.forget()
  said = {}
end

return M
