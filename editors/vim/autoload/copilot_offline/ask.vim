vim9script
# Questions and conversations: the answer is streamed into a Markdown buffer; its places can be jumped to.

import autoload './documents.vim'
import autoload './notice.vim'
import autoload './server.vim'
import autoload './uris.vim'

const NAME = 'copilot://answer'
const PLACE = '\([[:alnum:]_./\\+@~-]\+\):\(\d\+\)'

const INVALID_PARAMS = -32602

var number = 0
# The answer that is being given: {buf, start, token, id, is_over}; empty for none.
var running: dict<any> = {}
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
    cited[each.path] = uris.Path(each.uri)
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

# What was asked is answered, or will not be.
def Over(answer: dict<any>)
  server.Unlisten(answer.token)
  answer.is_over = true
  if running is answer
    running = {}
  endif
enddef

def Failed(answer: dict<any>, text: string)
  Over(answer)
  Append(answer.buf, printf("\n\n_%s_", text))
enddef

# Stop the answer that is being given.
export def Cancel()
  var stopped = running
  if !empty(stopped)
    Failed(stopped, 'Stopped.')
    server.Cancel(stopped.id)
  endif
enddef

# The next `chat` begins a new conversation.
export def Forget()
  if conversation != ''
    server.Request('copilot/chat/end', {conversation: conversation}, (_, _) => 0)
    conversation = ''
  endif
enddef

# What a question in a buffer is about: its file, and lines of it where `last` is not 0.
def About(buf: number, first: number, last: number): dict<any>
  if !documents.Has(buf)
    return {}
  endif
  documents.Sync(buf)
  root = documents.Root(buf)
  var about: dict<any> = {textDocument: {uri: documents.Uri(buf)}}
  if last > 0
    about.range = {start: {line: first - 1, character: 0}, end: {line: last, character: 0}}
  endif
  return about
enddef

# Send a question; a conversation that the server has lost is begun anew.
def Send(answer: dict<any>, method: string, params: dict<any>)
  answer.id = server.Request(method, params, (result, error) => {
    if answer.is_over
      return
    endif
    if empty(error)
      Over(answer)
      conversation = get(result, 'conversation', conversation)
      Finished(answer.buf, answer.start, result)
    elseif error.code == INVALID_PARAMS && has_key(params, 'conversation')
      remove(params, 'conversation')
      Send(answer, method, params)
    else
      Failed(answer, error.message)
    endif
  })
enddef

# Ask, about lines of the current buffer where `last` is not 0.
export def Ask(question: string, is_chat: bool, first: number, last: number)
  if !server.IsReady()
    notice.Warn(server.Absence())
    return
  endif
  Cancel()
  number += 1
  var params = About(bufnr(), first, last)
  params.partialResultToken = 'copilot-answer-' .. number
  params[is_chat ? 'message' : 'question'] = question
  if is_chat && conversation != ''
    params.conversation = conversation
  endif
  var buf = Buffer()
  Show(buf)
  var mine = {
    buf: buf, start: Begin(buf, question, is_chat), token: params.partialResultToken, id: 0, is_over: false,
  }
  server.Listen(mine.token, (value) => {
    if has_key(value, 'text')
      Append(buf, value.text)
    endif
  }, () => {
    Failed(mine, 'The language server ended before the answer did; ask again.')
  })
  running = mine
  Send(mine, is_chat ? 'copilot/chat' : 'copilot/ask', params)
enddef

# A new server knows nothing of what was said to an old one.
server.OnStart(() => {
  conversation = ''
})
