vim9script
# Ghost text. A suggestion stays while the user types what it says; anything else takes it away and asks anew.

import autoload './documents.vim'
import autoload './options.vim'
import autoload './server.vim'

export const INVOKED = 1
const AUTOMATIC = 2
const TYPE = 'CopilotGhost'

# {buf, line, col, text, tail, after, item}: where it begins (line from 1, bytes from 0), what it inserts from there,
# what stands behind the cursor and is replaced, what stands behind that. `is_tall`: shown on several lines.
var shown: dict<any> = {}
var pending = 0
var number = 0
var last_tick = -1
var is_on = true

export def Enable(on: bool)
  is_on = on
  if !on
    Clear()
  endif
enddef

export def IsEnabled(): bool
  return is_on && options.Get('suggestions')
enddef

# Take the ghost text away, and keep what it was.
export def Hide()
  if !empty(shown) && bufexists(shown.buf)
    prop_remove({type: TYPE, bufnr: shown.buf, all: true})
    if shown.is_tall
      Repaint()
    endif
  endif
enddef

# Vim does not notice by itself that the lines below move with those that are shown between.
def Repaint()
  &l:list = &l:list
enddef

# Take the ghost text away and stop asking.
export def Clear()
  number += 1
  server.Cancel(pending)
  pending = 0
  Hide()
  shown = {}
enddef

# What is left to insert at the cursor; "" if the text is no longer what the suggestion was made for.
def Remaining(): string
  if empty(shown) || bufnr() != shown.buf || line('.') != shown.line || col('.') - 1 < shown.col
    return ''
  endif
  var text = getline('.')
  var typed = strpart(text, shown.col, col('.') - 1 - shown.col)
  if strpart(shown.text, 0, strlen(typed)) !=# typed || strpart(text, col('.') - 1) !=# shown.tail .. shown.after
    return ''
  endif
  return strpart(shown.text, strlen(typed))
enddef

# The text that is shown; "" for none.
export def Text(): string
  return pumvisible() ? '' : Remaining()
enddef

export def IsVisible(): bool
  return Text() != ''
enddef

# Text without tabs as it looks from a screen column on.
def Untabbed(text: string, column: number): string
  var pieces = split(text, "\t", true)
  var result = pieces[0]
  for piece in pieces[1 :]
    var width = &tabstop - (column + strdisplaywidth(result)) % &tabstop
    result ..= repeat(' ', width) .. piece
  endfor
  return result
enddef

def Draw(rest: string)
  Hide()
  var below = split(rest, "\n", true)
  var first = remove(below, 0)
  var tail = shown.tail
  if empty(below) && tail != '' && strpart(first, strlen(first) - strlen(tail)) ==# tail
    first = strpart(first, 0, strlen(first) - strlen(tail))
  endif
  var column = strdisplaywidth(strpart(getline('.'), 0, col('.') - 1))
  if first != ''
    prop_add(line('.'), col('.'), {type: TYPE, text: Untabbed(first, column)})
  endif
  for text in below
    # A line without text is not shown.
    prop_add(line('.'), 0, {type: TYPE, text_align: 'below', text: text == '' ? ' ' : Untabbed(text, 0)})
  endfor
  shown.is_tall = !empty(below)
  if shown.is_tall
    Repaint()
  endif
enddef

def Update(): bool
  var rest = pumvisible() ? '' : Remaining()
  if rest == ''
    return false
  endif
  Draw(rest)
  return true
enddef

def Present(item: dict<any>)
  var text = getline('.')
  var start = col('.') - 1
  var stop = start
  if has_key(item, 'range')
    if item.range.start.line != line('.') - 1
      return
    endif
    start = item.range.start.character
    stop = item.range.end.line == line('.') - 1 ? max([stop, item.range.end.character]) : strlen(text)
  endif
  shown = {
    buf: bufnr(), line: line('.'), col: start, text: item.insertText, item: item,
    tail: strpart(text, col('.') - 1, stop - col('.') + 1), after: strpart(text, stop), accepted: 0, is_tall: false,
  }
  if Update()
    server.Notify('textDocument/didShowCompletion', {item: item})
  else
    Clear()
  endif
enddef

# Ask for a suggestion at the cursor.
export def Request(trigger: number)
  Clear()
  if !documents.Has(bufnr()) || pumvisible()
    return
  endif
  documents.Sync(bufnr())
  var mine = number
  var before = [bufnr(), b:changedtick, line('.'), col('.')]
  pending = server.Request('textDocument/inlineCompletion', {
    textDocument: {uri: documents.Uri(bufnr())},
    position: documents.Position(),
    context: {triggerKind: trigger},
  }, (result, _) => {
    if mine != number
      return
    endif
    pending = 0
    var items = type(result) == v:t_dict ? result.items : type(result) == v:t_list ? result : []
    filter(items, (_, item) => type(item.insertText) == v:t_string && item.insertText != '')
    if !empty(items) && mode() =~# '^i' && [bufnr(), b:changedtick, line('.'), col('.')] == before
      Present(items[0])
    endif
  })
enddef

# The text was changed in insert mode.
export def Changed()
  last_tick = b:changedtick
  if Update()
    return
  elseif IsEnabled()
    Request(AUTOMATIC)
  else
    Clear()
  endif
enddef

# The cursor was moved in insert mode, perhaps by a change of which we hear next.
export def Moved()
  if b:changedtick == last_tick && !Update()
    Clear()
  endif
enddef

# The begin of a text that accepting a part of it takes.
export def Taken(text: string, part: string): string
  if part == 'line'
    return matchstr(text, "^\n\\?[^\n]*")
  elseif part == 'word'
    return matchstr(text, '^\_s*\%(\k\+\|[^[:keyword:][:space:]]\+\|$\)') ?? text
  endif
  return text
enddef

def Insert(text: string, replaced: number)
  var [row, col] = [line('.'), col('.') - 1]
  var line = getline(row)
  var new = split(strpart(line, 0, col) .. text, "\n", true)
  var end = strlen(new[-1])
  new[-1] ..= strpart(line, col + replaced)
  setline(row, new[0])
  if len(new) > 1
    append(row, new[1 :])
  endif
  cursor(row + len(new) - 1, end + 1)
enddef

# Insert all or a part of what is shown; false if nothing is.
export def Accept(part: string): bool
  var rest = Remaining()
  if rest == ''
    return false
  endif
  var one = shown
  var taken = Taken(rest, part)
  if taken ==# rest
    Clear()
    Insert(rest, strlen(one.tail))
    documents.Sync(one.buf)
    if has_key(one.item, 'command')
      server.Request('workspace/executeCommand', {
        command: one.item.command.command, arguments: get(one.item.command, 'arguments', []),
      }, (_, _) => 0)
    endif
    return true
  endif
  Hide()
  Insert(taken, 0)
  one.accepted += strlen(one.text) - strlen(rest) + strlen(taken)
  extend(one, {line: line('.'), col: col('.') - 1, text: strpart(rest, strlen(taken))})
  Update()
  last_tick = b:changedtick
  server.Notify('textDocument/didPartiallyAcceptCompletion', {
    item: one.item, acceptedLength: Units(strpart(one.item.insertText, 0, one.accepted)),
  })
  return true
enddef

# How many UTF-16 units a text has.
def Units(text: string): number
  return strchars(text) + len(filter(str2list(text), (_, code) => code > 0xFFFF))
enddef
