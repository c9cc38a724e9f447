vim9script
# :Copilot and what may follow it.

import autoload './ask.vim'
import autoload './documents.vim'
import autoload './findings.vim'
import autoload './ghost.vim'
import autoload './notice.vim'
import autoload './server.vim'
import autoload './status.vim'
import autoload './uris.vim'

const NAMES = ['act', 'ask', 'cancel', 'chat', 'disable', 'enable', 'findings', 'fix', 'forget', 'log', 'restart', 'review',
  'status', 'stop', 'toggle', 'warm']

export def Complete(begun: string, line: string, _: number): string
  var words = split(line)
  if len(words) > 2 || (len(words) == 2 && begun == '')
    return words[1] == 'review' ? join(findings.WHICH, "\n") : ''
  endif
  return join(NAMES, "\n")
enddef

def Question(words: string, is_chat: bool, first: number, last: number)
  var question = words == '' ? input(is_chat ? 'Say: ' : 'Ask: ') : words
  if trim(question) != ''
    ask.Ask(question, is_chat, first, last)
  endif
enddef

def Warm()
  var folder = documents.Root(bufnr())
  var params: dict<any> = folder == '' ? {} : {uri: uris.Of(folder)}
  var sent = server.Request('copilot/warm', params, (result, error) => {
    if !empty(error)
      notice.Warn(error.message)
    else
      notice.Say(printf('%d tokens of the repository are read; %d were read already', result.tokens,
        result.reused_tokens))
    endif
  })
  if sent == 0
    notice.Warn(server.Absence())
  endif
enddef

def ShowLog()
  tabnew
  setlocal buftype=nofile bufhidden=wipe noswapfile
  setline(1, server.Log() ?? ['the language server wrote nothing'])
enddef

# Run `:Copilot NAME REST`; `count` is -1 if no lines were given.
export def Run(arguments: string, first: number, last: number, count: number)
  var [_, name, rest; _] = matchlist(arguments, '^\(\S*\)\s*\(.\{-}\)\s*$')
  var end = count < 0 ? 0 : last
  if name == 'ask' || name == 'chat'
    Question(rest, name == 'chat', first, end)
  elseif name == 'review'
    findings.Review(rest)
  elseif name == 'findings'
    findings.List()
  elseif name == 'act'
    findings.Act(end == 0 ? line('.') : first, end == 0 ? line('.') : end)
  elseif name == 'fix'
    findings.Fix()
  elseif name == 'status' || name == ''
    status.Show(documents.Refusal(bufnr()))
  elseif name == 'warm'
    Warm()
  elseif name == 'enable' || name == 'disable'
    ghost.Enable(name == 'enable')
  elseif name == 'toggle'
    ghost.Enable(!ghost.IsEnabled())
    notice.Say(ghost.IsEnabled() ? 'suggestions are on' : 'suggestions are off')
  elseif name == 'cancel'
    ask.Cancel()
  elseif name == 'forget'
    ask.Forget()
  elseif name == 'stop'
    server.Stop()
  elseif name == 'restart'
    server.Restart()
  elseif name == 'log'
    ShowLog()
  else
    notice.Warn(printf('there is no :Copilot %s; there are %s', name, join(NAMES, ', ')))
  endif
enddef
