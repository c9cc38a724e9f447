vim9script
# The buffers that the server knows, each as it was told last.

import autoload './lines.vim'
import autoload './options.vim'
import autoload './server.vim'
import autoload './uris.vim'

# buffer -> {version, lines, uri}
var open: dict<dict<any>> = {}
var is_listening = false

# The root of the repository that a file is in; "" for none.
export def Root(buf: number): string
  var name = bufname(buf)
  var folder = name == '' ? getcwd() : fnamemodify(name, ':p:h')
  while true
    for marker in options.Get('root_markers')
      var path = folder .. '/' .. marker
      if isdirectory(path) || filereadable(path)
        return folder
      endif
    endfor
    var above = fnamemodify(folder, ':h')
    if above == folder
      return ''
    endif
    folder = above
  endwhile
  return ''
enddef

# Why a buffer has nothing to do with the server; "" if it has.
export def Refusal(buf: number): string
  if !bufloaded(buf) || getbufvar(buf, '&buftype') != '' || bufname(buf) == ''
    return 'it is no file'
  endif
  var kind = getbufvar(buf, '&filetype')
  if !empty(options.Get('filetypes')) && index(options.Get('filetypes'), kind) < 0
    return printf('its type "%s" is not among `filetypes`', kind)
  endif
  if index(options.Get('disabled_filetypes'), kind) >= 0
    return printf('its type "%s" is among `disabled_filetypes`', kind)
  endif
  var size = bufnr('%') == buf ? line2byte(line('$') + 1) - 1 : getfsize(bufname(buf))
  if size > options.Get('max_file_bytes')
    return printf('it has %d bytes, more than `max_file_bytes`', size)
  endif
  return ''
enddef

export def Has(buf: number): bool
  return has_key(open, buf)
enddef

export def Uri(buf: number): string
  return uris.Of(bufname(buf))
enddef

# Have the server look after a buffer, and start it if need be.
export def Attach(buf: number)
  if has_key(open, buf) || Refusal(buf) != ''
    return
  endif
  if !is_listening
    is_listening = true
    server.OnStart(() => AttachAll())
  endif
  if server.IsReady()
    Open(buf)
  else
    server.Start(Root(buf))
  endif
enddef

def AttachAll()
  open = {}
  for info in getbufinfo({bufloaded: 1})
    Attach(info.bufnr)
  endfor
enddef

def Open(buf: number)
  var now = lines.Of(buf)
  var kind = getbufvar(buf, '&filetype')
  open[buf] = {version: 1, lines: now, uri: Uri(buf)}
  server.Notify('textDocument/didOpen', {textDocument: {
    uri: open[buf].uri, languageId: kind == '' ? 'plaintext' : kind, version: 1, text: join(now, "\n"),
  }})
enddef

# Tell the server what changed in a buffer since it was told last.
export def Sync(buf: number)
  if !has_key(open, buf) || !server.IsReady()
    return
  endif
  var document = open[buf]
  var now = lines.Of(buf)
  if now ==# document.lines
    return
  endif
  var change = lines.Change(document.lines, now)
  document.lines = now
  document.version += 1
  server.Notify('textDocument/didChange', {
    textDocument: {uri: document.uri, version: document.version}, contentChanges: [change],
  })
enddef

export def Saved(buf: number)
  Attach(buf)
  if has_key(open, buf)
    Sync(buf)
    server.Notify('textDocument/didSave', {textDocument: {uri: open[buf].uri}})
  endif
enddef

export def Closed(buf: number)
  if has_key(open, buf)
    server.Notify('textDocument/didClose', {textDocument: {uri: open[buf].uri}})
    remove(open, buf)
  endif
enddef

# A buffer has another name: to the server it is another document.
export def Renamed(buf: number)
  if has_key(open, buf)
    Closed(buf)
    Attach(buf)
  endif
enddef

# The position of the cursor.
export def Position(): dict<number>
  return {line: line('.') - 1, character: col('.') - 1}
enddef

# Show a file that the server wants to have shown.
export def Show(uri: string): bool
  if uri !~ '^file:'
    return false
  endif
  execute 'split' fnameescape(uris.Path(uri))
  return true
enddef

# Make the edits of a language server, in files that are open and in files that are not.
export def Apply(edit: dict<any>): bool
  var per_file: dict<list<dict<any>>> = {}
  for [uri, edits] in items(get(edit, 'changes', {}) ?? {})
    per_file[uri] = edits
  endfor
  for change in get(edit, 'documentChanges', []) ?? []
    if !has_key(change, 'edits')
      return false
    endif
    per_file[change.textDocument.uri] = get(per_file, change.textDocument.uri, []) + change.edits
  endfor
  for [uri, edits] in items(per_file)
    var buf = bufadd(uris.Path(uri))
    bufload(buf)
    setbufvar(buf, '&buflisted', true)
    lines.Put(buf, lines.Edited(lines.Of(buf), edits))
    Sync(buf)
  endfor
  return true
enddef
