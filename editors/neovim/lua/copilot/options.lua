-- What a user can set, with defaults; a wrong option is said and left at its default.

local M = {}

M.defaults = {
  cmd = { 'copilot', 'lsp' }, -- how the language server is started
  root_markers = { '.git', '.copilot.toml' },
  filetypes = {}, -- only in these; empty: in all
  disabled_filetypes = {},
  max_file_bytes = 2000000, -- larger files are left alone
  suggestions = true, -- ghost text while typing
  native = true, -- Neovim's own inline completion, where it has one
  hide_with_menu = true, -- no ghost text while the completion menu is open
  keys = { -- false maps nothing
    accept = '<Tab>',
    accept_word = '<M-Right>',
    accept_line = '<M-C-Right>',
    dismiss = '<C-]>',
    next = '<M-]>',
    previous = '<M-[>',
    request = '<M-\\>',
  },
  answer_window = 'botright vsplit', -- how the window of answers is opened
  server = {}, -- options of the language server, as in docs/editors.md
}

M.values = vim.deepcopy(M.defaults)

local function merged(defaults, given, where, wrong)
  local result = vim.deepcopy(defaults)
  for name, value in pairs(given) do
    local default = defaults[name]
    local place = where .. name
    if default == nil then
      table.insert(wrong, place .. ' is no option')
    elseif name == 'keys' and value == false then
      result.keys = {}
    elseif name == 'keys' and type(value) == 'table' then
      for key, lhs in pairs(value) do
        if default[key] == nil then
          table.insert(wrong, place .. '.' .. key .. ' is no key')
        else
          result.keys[key] = lhs
        end
      end
    elseif type(default) ~= type(value) then
      table.insert(wrong, ('%s must be a %s, not a %s'):format(place, type(default), type(value)))
    else
      result[name] = vim.deepcopy(value)
    end
  end
  return result
end

--- Take over the user's options; returns a line for each that is wrong.
---@param given table?
---@return string[]
function M.set(given)
  local wrong = {}
  M.values = merged(M.defaults, given or {}, '', wrong)
  if #M.values.cmd == 0 then
    table.insert(wrong, 'cmd is empty')
    M.values.cmd = vim.deepcopy(M.defaults.cmd)
  end
  table.sort(wrong)
  return wrong
end

return M
