vim9script
# What a review found: signs and underlines in buffers, the location list, the quickfix list, and the fixes.

import autoload './documents.vim'
import autoload './notice.vim'
import autoload './server.vim'
import autoload './uris.vim'

const KINDS = {1: 'E', 2: 'W', 3: 'I', 4: 'N'}
const SEVERITIES = {low: 'I', medium: 'W', high: 'E', critical: 'E'}
const GROUP = 'copilot'
export const WHICH = ['uncommitted', 'staged', 'unstaged']

# path -> diagnostics
var known: dict<list<dict<any>>> = {}

def Heard(params: any)
  var path = uris.Path(params.uri)
  known[path] = params.diagnostics
  for info in getbufinfo({bufloaded: 1})
    if fnamemodify(info.name, ':p') == path
      Mark(info.bufnr, params.diagnostics)
    endif
  endfor
enddef

# A file was read, or read again, or it has another name now: what is known of it is marked, and nothing else.
export def Restore(buf: number)
  if bufloaded(buf)
    Mark(buf, Of(buf))
  endif
enddef

def Mark(buf: number, found: list<dict<any>>)
  prop_remove({type: 'CopilotFinding', bufnr: buf, all: true})
  sign_unplace(GROUP, {buffer: buf})
  var last = getbufinfo(buf)[0].linecount
  for each in found
    var [first, end] = [each.range.start, each.range.end]
    if first.line >= last
      continue
    endif
    var stop = min([end.line + 1, last])
    var width = strlen(getbufline(buf, stop)[0])
    prop_add(first.line + 1, first.character + 1, {
      type: 'CopilotFinding', bufnr: buf, end_lnum: stop, end_col: min([end.character, width]) + 1,
    })
    sign_place(0, GROUP, 'CopilotFinding', buf, {lnum: first.line + 1})
  endfor
enddef

def Of(buf: number): list<dict<any>>
  return get(known, fnamemodify(bufname(buf), ':p'), [])
enddef

def At(buf: number, row: number): list<dict<any>>
  return Of(buf)->copy()->filter((_, each) => each.range.start.line < row && row <= each.range.end.line + 1)
enddef

# Say what was found in the line of the cursor.
export def Tell()
  var here = At(bufnr(), line('.'))
  if !empty(here)
    echo strpart('copilot: ' .. substitute(here[0].message, '\s\+', ' ', 'g'), 0, &columns - 12)
  endif
enddef

# The findings of the buffer as its location list.
export def List()
  var entries = Of(bufnr())->mapnew((_, each) => ({
    bufnr: bufnr(), lnum: each.range.start.line + 1, col: each.range.start.character + 1,
    type: get(KINDS, get(each, 'severity', 2), 'W'), text: each.message,
  }))
  setloclist(0, [], ' ', {title: 'copilot findings', items: entries})
  if empty(entries)
    notice.Say('nothing found in this file')
  else
    lopen
    wincmd p
  endif
enddef

# Review now: "uncommitted", "staged", "unstaged", or a range of revisions. Findings go to the quickfix list.
export def Review(which: string)
  var folder = documents.Root(bufnr())
  var params: dict<any> = {uri: uris.Of(folder ?? getcwd()), which: which ?? WHICH[0]}
  if which != '' && index(WHICH, which) < 0
    extend(params, {which: 'range', revisions: which})
  endif
  var sent = server.Request('copilot/review', params, (result, error) => {
    if !empty(error)
      notice.Warn(error.message)
    else
      Show(result, folder)
    endif
  })
  if sent == 0
    notice.Warn(server.Absence())
  endif
enddef

def Show(result: dict<any>, folder: string)
  var entries = result.findings->mapnew((_, each) => ({
    filename: folder .. '/' .. each.path, lnum: each.start_line, type: get(SEVERITIES, each.severity, 'W'),
    text: printf('[%s] %s: %s (%s)', each.severity, each.title, each.message, each.rule)->substitute('\s\+', ' ', 'g'),
  }))
  setqflist([], ' ', {title: 'copilot review: ' .. get(result, 'label', ''), items: entries})
  if empty(entries)
    notice.Say('nothing found in ' .. get(result, 'label', 'the changes'))
  else
    botright copen
    wincmd p
  endif
enddef

# Apply the fix of the finding in the line of the cursor; of several, the one that the user chooses.
export def Fix()
  var place = {line: line('.') - 1, character: col('.') - 1}
  Offer('quickfix', {start: place, end: place}, 'there is no fix here')
enddef

# Explain, document, rewrite or test some lines, as the user chooses.
export def Act(first: number, last: number)
  Offer('refactor', {start: {line: first - 1, character: 0}, end: {line: last, character: 0}}, 'there is nothing to do')
enddef

def Offer(kind: string, range: dict<any>, nothing: string)
  documents.Sync(bufnr())
  var sent = server.Request('textDocument/codeAction', {
    textDocument: {uri: documents.Uri(bufnr())},
    range: range,
    context: {diagnostics: At(bufnr(), line('.')), only: [kind]},
  }, (result, error) => {
    var actions = type(result) == v:t_list ? result : []
    if empty(actions)
      notice.Say(empty(error) ? nothing : error.message)
      return
    endif
    if len(actions) == 1
      Take(actions[0])
    else
      popup_menu(mapnew(actions, (_, each) => each.title), {callback: (_, chosen) => Chosen(actions, chosen)})
    endif
  })
  if sent == 0
    notice.Warn(server.Absence())
  endif
enddef

def Chosen(actions: list<dict<any>>, chosen: number)
  if chosen > 0
    Take(actions[chosen - 1])
  endif
enddef

def Take(action: dict<any>)
  if has_key(action, 'edit')
    documents.Apply(action.edit)
  elseif has_key(action, 'data')
    server.Request('codeAction/resolve', action, (result, error) => {
      if type(result) == v:t_dict && has_key(result, 'edit')
        documents.Apply(result.edit)
      else
        notice.Say(empty(error) ? 'there is no fix any more' : error.message)
      endif
    })
  endif
  if has_key(action, 'command')
    server.Request('workspace/executeCommand', action.command, (_, error) => {
      if !empty(error)
        notice.Warn(error.message)
      endif
    })
  endif
enddef

server.On('textDocument/publishDiagnostics', Heard)
server.Answer('window/showDocument', (params) => ({success: documents.Show(params.uri)}))
server.Answer('workspace/applyEdit', (params) => ({applied: documents.Apply(params.edit)}))
