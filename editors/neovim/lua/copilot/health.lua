-- :checkhealth copilot

local M = {}

local function check_editor(health)
  if vim.fn.has('nvim-0.10') == 0 then
    health.error('Neovim 0.10 or later is needed')
    return false
  end
  local how = require('copilot.suggestion').is_native() and 'by Neovim itself' or 'by this plugin'
  health.ok(('Neovim %s; ghost text is shown %s'):format(tostring(vim.version()), how))
  return true
end

local function check_program(health, cmd)
  local path = vim.fn.exepath(cmd[1])
  if path == '' then
    health.error(('`%s` is not found'):format(cmd[1]), {
      'put it on PATH',
      "or name it: require('copilot').setup({ cmd = { '/path/to/copilot', 'lsp' } })",
    })
    return
  end
  health.ok(('the language server is `%s`'):format(table.concat(cmd, ' ')))
  if vim.fn.fnamemodify(cmd[1], ':t') ~= 'copilot' then
    return
  end
  local done = vim.system({ path, '--version' }, { text = true }):wait(10000)
  if done.code ~= 0 then
    health.error(('`%s --version` fails: %s'):format(path, vim.trim(done.stderr or '')))
  elseif not done.stdout:match('^copilot, version') then
    health.error(('`%s` is another program of that name: %s'):format(path, vim.trim(done.stdout)), {
      'name ours by its full path in `cmd`',
    })
  else
    health.ok(vim.trim(done.stdout))
  end
end

local function check_server(health)
  local client = require('copilot.client').get()
  if not client then
    health.warn('the language server does not run; open a file, or `:Copilot restart`')
    return
  end
  local status = require('copilot.status')
  for _, line in ipairs(status.describe(status.get())) do
    health.info(line)
  end
  health.ok(('the language server runs for %d buffers'):format(vim.tbl_count(client.attached_buffers)))
end

local function check_keys(health)
  local keys = require('copilot.keys')
  for name, lhs in vim.spairs(keys.mapped) do
    health.ok(('%s is %s'):format(lhs, name))
  end
  for name, lhs in vim.spairs(keys.taken) do
    health.warn(('%s is mapped by your configuration, so `%s` has no key'):format(lhs, name), {
      ("set keys.%s in setup(), or call require('copilot') from your mapping, see :help copilot-keys"):format(name),
    })
  end
end

function M.check()
  local health = vim.health
  health.start('copilot')
  if not check_editor(health) then
    return
  end
  check_program(health, require('copilot.options').values.cmd)
  check_server(health)
  check_keys(health)
end

return M
