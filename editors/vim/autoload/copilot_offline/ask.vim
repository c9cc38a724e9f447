vim9script
# Questions and conversations: the answer is streamed into a Markdown buffer; its places can be jumped to.

import autoload './documents.vim'
import autoload './notice.vim'
import autoload './server.vim'

const NAME = 'copilot://answer'
const PLACE = '\([[:alnum:]_./\\+@~-]\+\):\(\d\+\)'

var number = 0
var running = 0
var conversation = ''
var root = ''
var cited: dict<string> = {}

def Buffer(): number
  var buf = bufnr(NAME)
  if buf > 0 && bufloaded(buf)
    return buf
  endif
  buf = bufadd(NAME)
  setbufvar(buf, '&buftype', 'nofile')
  setbufvar(buf, '&bufhidden', 'hide')
  setbufvar(buf, '&swapfile', false)
  bufload(buf)
  return buf
enddef

def Show(buf: number)
  if bufwinid(buf) != -1
    return
  endif
  var before = win_getid()
  execute 'botright vertical sbuffer' buf
  setlocal filetype=markdown wrap linebreak nonumber
  for key in ['<CR>', 'gd', 'gf']
    execute 'nnoremap <buffer> <silent>' key '<ScriptCmd>Follow()<CR>'
  endfor
  nnoremap <buffer> <silent> q <Cmd>close<CR>
  nnoremap <buffer> <silent> <C-C> <ScriptCmd>Cancel()<CR>
  win_gotoid(before)
enddef

def Append(buf: number, text: string)
  var pieces = split(getbufline(buf, '$')[0] .. text, "\n", true)
  setbufline(buf, getbufinfo(buf)[0].linecount, pieces[0])
  if len(pieces) > 1
    appendbufline(buf, '$', pieces[1 :])
  endif
  var win = bufwinid(buf)
  if win != -1 && win != win_getid()
    win_execute(win, 'normal! G')
  endif
  redraw
enddef

def Begin(buf: number, question: string, is_more: bool): number
  var heading = split(trim(question), "\n", true)->map((_, line) => '> ' .. line) + ['', '']
  if is_more && getbufinfo(buf)[0].linecount > 1
    appendbufline(buf, '$', [''] + heading)
  else
    deletebufline(buf, 1, '$')
    setbufline(buf, 1, heading)
    cited = {}
  endif
  return getbufinfo(buf)[0].linecount
enddef

def Sources(citations: list<any>): list<string>
  var found: list<string> = []
  for each in citations
    cited[each.path] = server.Path(each.uri)
    var last = each.end_line != each.start_line ? '-' .. each.end_line : ''
    add(found, printf('- %s:%d%s', each.path, each.start_line, last))
  endfor
  return empty(found) ? [] : ['', 'Sources:', ''] + uniq(found)
enddef

def Finished(buf: number, start: number, result: dict<any>)
  deletebufline(buf, start, '$')
  var body = split(trim(result.answer), "\n", true)
  for said in get(result, 'notices', [])
    extend(body, ['', '_' .. said .. '_'])
  endfor
  setbufline(buf, start, body + Sources(result.citations))
enddef

# The file a place names; "" if there is none.
def Resolve(path: string): string
  var file = get(cited, path, root == '' ? path : root .. '/' .. path)
  return filereadable(file) ? file : ''
enddef

def Follow()
  var text = getline('.')
  var at = 0
  var chosen: list<string> = []
  while true
    var [place, first, last] = matchstrpos(text, PLACE, at)
    if first < 0
      break
    endif
    if empty(chosen) || first < col('.')
      chosen = matchlist(place, PLACE)
    endif
    at = last
  endwhile
  var file = empty(chosen) ? '' : Resolve(chosen[1])
  if file == ''
    notice.Say('there is no file:line here')
    return
  endif
  var here = win_getid()
  wincmd p
  if win_getid() == here
    leftabove vsplit
  endif
  execute 'edit' fnameescape(file)
  cursor(str2nr(chosen[2]), 1)
  normal! zz
enddef

# Stop the answer that is being given.
export def Cancel()
  server.Cancel(running)
enddef

# The next `chat` begins a new conversation.
export def Forget()
  if conversation != ''
    server.Request('copilot/chat/end', {conversation: conversation}, (_, _) => 0)
    conversation = ''
  endif
enddef

# Ask, about lines of the current buffer where `last` is not 0.
export def Ask(question: string, is_chat: bool, first: number, last: number)
  if !server.IsReady()
    notice.Warn(server.Absence())
    return
  endif
  Cancel()
  var asked_in = bufnr()
  var params: dict<any> = {}
  if documents.Has(asked_in)
    documents.Sync(asked_in)
    root = documents.Root(asked_in)
    params.textDocument = {uri: documents.Uri(asked_in)}
    if last > 0
      params.range = {start: {line: first - 1, character: 0}, end: {line: last, character: 0}}
    endif
  endif
  if is_chat
    extend(params, conversation == '' ? {message: question} : {message: question, conversation: conversation})
  else
    params.question = question
  endif
  var buf = Buffer()
  Show(buf)
  var start = Begin(buf, question, is_chat)
  number += 1
  var token = 'copilot-answer-' .. number
  params.partialResultToken = token
  server.Listen(token, (value) => {
    if has_key(value, 'text')
      Append(buf, value.text)
    endif
  }, () => {
    running = 0
    Append(buf, "\n\n_The language server ended before the answer did; ask again._")
  })
  running = server.Request(is_chat ? 'copilot/chat' : 'copilot/ask', params, (result, error) => {
    server.Unlisten(token)
    running = 0
    if !empty(error)
      Append(buf, printf("\n\n_%s_", error.code == -32800 ? 'Stopped.' : error.message))
      return
    endif
    conversation = get(result, 'conversation', conversation)
    Finished(buf, start, result)
  })
enddef
