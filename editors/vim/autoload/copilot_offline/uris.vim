vim9script
# The names of files as URIs, and back. Does not know: what is in them, who asks.

# The URI of a file.
export def Of(path: string): string
  var full = fnamemodify(path, ':p')
  if full =~ '/$' && full != '/'
    full = full[: -2]
  endif
  var slashed = has('win32') ? '/' .. tr(full, '\', '/') : full
  return 'file://' .. substitute(slashed, '[^A-Za-z0-9/._~:-]', (found) => Escaped(found[0]), 'g')
enddef

def Escaped(character: string): string
  return range(strlen(character))->mapnew((_, at) => printf('%%%02X', char2nr(strpart(character, at, 1))))->join('')
enddef

# The path of a file's URI.
export def Path(uri: string): string
  var path = substitute(uri, '^file://', '', '')
  path = substitute(path, '\(%\x\x\)\+', (found) => eval('"' .. substitute(found[0], '%', '\\x', 'g') .. '"'), 'g')
  return has('win32') ? substitute(path, '^/', '', '') : path
enddef
