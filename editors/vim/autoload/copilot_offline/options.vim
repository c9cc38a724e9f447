vim9script
# What a user can set: the dictionary g:copilot_offline, over these defaults.

const DEFAULTS: dict<any> = {
  command: ['copilot', 'lsp'],
  root_markers: ['.git', '.copilot.toml'],
  filetypes: [],
  disabled_filetypes: [],
  max_file_bytes: 1000000,
  suggestions: true,
  server: {},
}
const KEYS: dict<string> = {
  accept: '<Tab>',
  accept-word: '<M-Right>',
  accept-line: '<M-C-Right>',
  dismiss: '<C-]>',
  request: '<M-Bslash>',
}

# Keys that the user had mapped already: name -> key.
var taken: dict<string> = {}

def Given(): dict<any>
  var given = get(g:, 'copilot_offline', {})
  return type(given) == v:t_dict ? given : {}
enddef

# An option's value; a value of another type than the default's is not taken.
export def Get(name: string): any
  var default = DEFAULTS[name]
  var value = get(Given(), name, default)
  var is_flag = type(default) == v:t_bool && type(value) == v:t_number
  return type(value) == type(default) || is_flag ? value : default
enddef

# Which key does what; an empty one is not mapped.
export def Keys(): dict<string>
  var given = get(Given(), 'keys', {})
  return type(given) == v:t_dict ? extendnew(KEYS, given) : {}
enddef

# Note that a key is the user's own.
export def Leave(name: string, lhs: string)
  taken[name] = lhs
enddef

export def Taken(): dict<string>
  return taken
enddef
