vim9script
# Nothing has to be configured. To change something, put this into vimrc; these are the defaults:

g:copilot_offline = {
  command: ['copilot', 'lsp'],
  keys: {
    accept: '<Tab>',
    accept-word: '<M-Right>',
    accept-line: '<M-C-Right>',
    dismiss: '<C-]>',
    request: '<M-Bslash>',
  },
}
