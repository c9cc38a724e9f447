vim9script noclear
# The offline copilot for Vim: commands, keys, and the events that everything hangs on.

if exists('g:loaded_copilot_offline')
  finish
endif
g:loaded_copilot_offline = 1

if !has('patch-9.0.0185') || !has('channel') || !has('textprop')
  echomsg 'copilot: this plugin needs Vim 9.0.0185 or later with +channel and +textprop'
  finish
endif

import autoload 'copilot_offline/command.vim'
import autoload 'copilot_offline/documents.vim'
import autoload 'copilot_offline/findings.vim'
import autoload 'copilot_offline/ghost.vim'
import autoload 'copilot_offline/options.vim'

command! -nargs=* -range=-1 -complete=custom,command.Complete Copilot command.Run(<q-args>, <line1>, <line2>, <count>)

highlight default link CopilotGhost Comment
highlight default link CopilotLink Underlined
highlight default CopilotFinding term=underline cterm=underline gui=undercurl guisp=Orange
if empty(prop_type_get('CopilotGhost'))
  prop_type_add('CopilotGhost', {highlight: 'CopilotGhost'})
  prop_type_add('CopilotFinding', {highlight: 'CopilotFinding'})
endif
sign_define('CopilotFinding', {text: '!', texthl: 'WarningMsg'})

augroup copilot_offline
  autocmd!
  autocmd BufReadPost,BufNewFile,FileType,BufEnter * documents.Attach(str2nr(expand('<abuf>')))
  autocmd BufFilePost * documents.Renamed(str2nr(expand('<abuf>')))
  autocmd BufReadPost,BufFilePost * findings.Restore(str2nr(expand('<abuf>')))
  autocmd BufWritePost * documents.Saved(str2nr(expand('<abuf>')))
  autocmd BufUnload * documents.Closed(str2nr(expand('<abuf>')))
  autocmd TextChanged * documents.Sync(str2nr(expand('<abuf>')))
  autocmd TextChangedI * ghost.Changed()
  autocmd TextChangedP * ghost.Hide()
  autocmd InsertEnter * ghost.Changed()
  autocmd CursorMovedI * ghost.Moved()
  autocmd InsertLeave,BufLeave * ghost.Clear()
  autocmd CursorHold * findings.Tell()
augroup END

inoremap <silent> <Plug>(copilot-accept) <C-G>u<Cmd>call <SID>Accept('all')<CR>
inoremap <silent> <Plug>(copilot-accept-word) <C-G>u<Cmd>call <SID>Accept('word')<CR>
inoremap <silent> <Plug>(copilot-accept-line) <C-G>u<Cmd>call <SID>Accept('line')<CR>
inoremap <silent> <Plug>(copilot-dismiss) <Cmd>call <SID>Clear()<CR>
inoremap <silent> <Plug>(copilot-request) <Cmd>call <SID>Request()<CR>

def Accept(part: string)
  ghost.Accept(part)
enddef

def Clear()
  ghost.Clear()
enddef

def Request()
  ghost.Request(ghost.INVOKED)
enddef

# What a key is to do: the action if a suggestion is shown, else what the key does by itself.
def Key(name: string, lhs: string): string
  if name != 'request' && !ghost.IsVisible()
    return lhs
  endif
  return "\<Plug>(copilot-" .. name .. ')'
enddef

for [name, lhs] in items(options.Keys())
  if lhs == ''
    continue
  endif
  if maparg(lhs, 'i') == ''
    # The action is a <Plug> key, so it must be mapped again; the key itself must not.
    execute printf('imap <silent> <expr> %s <SID>Key(%s, "%s")', lhs, string(name), escape(lhs, '"')
      ->substitute('<', '\\<lt>', '')->substitute('\\<lt>', '\\<', ''))
  else
    options.Leave(name, lhs)
  endif
endfor
