-- Places in answers, `path:line` or `path:line-line`, and going to them.

local M = {}

local PATTERN = '()([%w_%.%-/\\+@~]+):(%d+)()'

--- The places of a line of text: {first, last, path, line}; columns from 1, inclusive.
---@return table[]
function M.find(text)
  local found = {}
  for first, path, line, stop in text:gmatch(PATTERN) do
    local more = text:match('^%-%d+', stop)
    table.insert(found, { first = first, last = stop - 1 + (more and #more or 0), path = path, line = tonumber(line) })
  end
  return found
end

--- Mark the places in a buffer that are files.
---@param buf integer
---@param namespace integer
---@param resolve fun(path: string): string?
function M.mark(buf, namespace, resolve)
  vim.api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  for row, text in ipairs(vim.api.nvim_buf_get_lines(buf, 0, -1, false)) do
    for _, place in ipairs(M.find(text)) do
      if resolve(place.path) then
        vim.api.nvim_buf_set_extmark(buf, namespace, row - 1, place.first - 1, {
          end_col = place.last,
          hl_group = 'CopilotLink',
        })
      end
    end
  end
end

--- The place under the cursor, or else the first of its line.
function M.at_cursor()
  local text, col = vim.api.nvim_get_current_line(), vim.api.nvim_win_get_cursor(0)[2] + 1
  local places = M.find(text)
  for _, place in ipairs(places) do
    if place.first <= col and col <= place.last then
      return place
    end
  end
  return places[1]
end

--- Show a line of a file in another window than this one.
---@param file string
---@param line integer
function M.open(file, line)
  local here = vim.api.nvim_get_current_win()
  vim.cmd.wincmd('p')
  if vim.api.nvim_get_current_win() == here then
    vim.cmd('leftabove vsplit')
  end
  vim.cmd.edit(vim.fn.fnameescape(file))
  vim.api.nvim_win_set_cursor(0, { math.min(line, vim.api.nvim_buf_line_count(0)), 0 })
  vim.cmd('normal! zz')
end

return M
