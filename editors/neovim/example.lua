-- Nothing has to be configured. To change something, put this into init.lua; these are the defaults:

require('copilot').setup({
  cmd = { 'copilot', 'lsp' },
  keys = {
    accept = '<Tab>',
    accept_word = '<M-Right>',
    accept_line = '<M-C-Right>',
    dismiss = '<C-]>',
    next = '<M-]>',
    previous = '<M-[>',
    request = '<M-\\>',
  },
})
