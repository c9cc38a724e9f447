-- Makes :Copilot, and sets the plugin up with its defaults unless the user's configuration does.

if vim.g.loaded_copilot_offline then
  return
end
vim.g.loaded_copilot_offline = true

if vim.fn.has('nvim-0.10') == 0 then
  vim.schedule(function()
    vim.notify('copilot: this plugin needs Neovim 0.10 or later', vim.log.levels.WARN)
  end)
  return
end

vim.api.nvim_create_user_command('Copilot', function(given)
  require('copilot.command').run(given)
end, {
  nargs = '*',
  range = true,
  bang = false,
  desc = 'Ask, review and more with the offline copilot',
  complete = function(_, line)
    return require('copilot.command').complete(line)
  end,
})

vim.schedule(function()
  local copilot = require('copilot')
  if not copilot.is_set_up then
    copilot.setup()
  end
end)
