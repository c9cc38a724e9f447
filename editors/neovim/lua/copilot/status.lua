-- How the server is, as it said last.

local M = {}

local current = { kind = 'Inactive', message = '', busy = false }

--- The last status: {kind, message, busy, model, prefix, reading}.
function M.get()
  return current
end

function M.set(status)
  current = status
  vim.api.nvim_exec_autocmds('User', { pattern = 'CopilotStatus', modeline = false })
end

local function text(value)
  return type(value) == 'string' and value ~= '' and value or nil
end

local function share(reading)
  if type(reading) == 'table' and type(reading.total) == 'number' and reading.total > 0 then
    return math.min(100, math.floor(100 * reading.done / reading.total))
  end
end

--- A few characters for a status line.
---@return string
function M.line()
  local percent = share(current.reading)
  if current.kind == 'Error' or current.kind == 'Warning' then
    return 'copilot!'
  elseif current.kind == 'Inactive' then
    return 'copilot-'
  elseif percent then
    return ('copilot %d%%%%'):format(percent)
  end
  return current.busy and 'copilot…' or 'copilot'
end

--- The whole status, a line each.
---@param status table
---@return string[]
function M.describe(status)
  local lines = { 'state: ' .. (status.kind == 'Normal' and (status.busy and 'busy' or 'ready') or status.kind) }
  local function add(name, value)
    if value then
      table.insert(lines, name .. ': ' .. value)
    end
  end
  add('message', text(status.message))
  add('model', text(status.model))
  add('reads', ({ full = 'the whole repository', map = 'a map of the repository' })[status.prefix])
  local percent = share(status.reading)
  add('reading', percent and percent .. ' %')
  local counts = {}
  for name, count in vim.spairs(type(status.completions) == 'table' and status.completions or {}) do
    table.insert(counts, ('%s %d'):format(name, count))
  end
  add('suggestions', #counts > 0 and table.concat(counts, ', ') or nil)
  return lines
end

return M
