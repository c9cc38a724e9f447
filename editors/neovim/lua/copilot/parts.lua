-- What a part of a suggestion is: pure functions of its text.

local M = {}

--- The beginning of `text` that accepting a "word", a "line" or "all" of it takes.
---@param text string
---@param part 'all'|'line'|'word'
---@return string
function M.take(text, part)
  if part == 'line' then
    local first = text:match('^\n[^\n]*') or text:match('^[^\n]*')
    return first
  end
  if part == 'word' then
    return text:match('^%s*[%w_\128-\255]+') or text:match('^%s*[^%w_%s\128-\255]+') or text
  end
  return text
end

--- Text without tabs as it looks from a screen column on.
---@param text string
---@param column integer counted from 0
---@param tabstop integer
---@return string
function M.untabbed(text, column, tabstop)
  local pieces = {}
  for before, tab in text:gmatch('([^\t]*)(\t?)') do
    table.insert(pieces, before)
    column = column + vim.fn.strdisplaywidth(before)
    if tab ~= '' then
      local width = tabstop - column % tabstop
      table.insert(pieces, (' '):rep(width))
      column = column + width
    end
  end
  return table.concat(pieces)
end

return M
