vim9script
# How the server is, as it said last.

import autoload './notice.vim'
import autoload './options.vim'
import autoload './server.vim'

var current: dict<any> = {kind: 'Inactive', message: '', busy: false}

def Heard(status: any)
  current = status
  if exists('#User#CopilotStatus')
    doautocmd <nomodeline> User CopilotStatus
  endif
enddef

def Percent(status: dict<any>): number
  var reading = get(status, 'reading', v:null)
  if type(reading) == v:t_dict && type(reading.total) == v:t_number && reading.total > 0
    return min([100, 100 * reading.done / reading.total])
  endif
  return -1
enddef

# A few characters for 'statusline'.
export def Line(): string
  if !server.IsReady()
    return 'copilot-'
  elseif current.kind == 'Error' || current.kind == 'Warning'
    return 'copilot!'
  elseif Percent(current) >= 0
    return printf('copilot %d%%', Percent(current))
  endif
  return current.busy ? 'copilot...' : 'copilot'
enddef

# The whole status, a line each.
export def Describe(status: dict<any>): list<string>
  var state = status.kind == 'Normal' ? (status.busy ? 'busy' : 'ready') : status.kind
  var found = ['state: ' .. state]
  for name in ['message', 'model', 'prefix']
    var value = get(status, name, v:null)
    if type(value) == v:t_string && value != ''
      add(found, name .. ': ' .. value)
    endif
  endfor
  if Percent(status) >= 0
    add(found, printf('reading: %d %%', Percent(status)))
  endif
  var counts = get(status, 'completions', {})->items()->mapnew((_, each) => each[0] .. ' ' .. each[1])
  if !empty(counts)
    add(found, 'suggestions: ' .. join(sort(counts), ', '))
  endif
  return found
enddef

# Until the cursor moves; messages of several lines would ask for a key.
def Popup(text: list<string>)
  popup_atcursor(text, {title: ' copilot ', border: [], padding: [0, 1, 0, 1]})
enddef

# Say how the server is, and why nothing is suggested.
export def Show(refusal: string)
  var before = refusal == '' ? [] : ['this buffer is left alone: ' .. refusal]
  for [name, lhs] in items(options.Taken())
    add(before, printf('%s is mapped by your vimrc, so %s has no key; map <Plug>(copilot-%s)', lhs, name, name))
  endfor
  var sent = server.Request('copilot/status', {}, (result, error) => {
    Popup(before + (empty(error) ? Describe(result) : [error.message]))
  })
  if sent == 0
    Popup(before + ['state: ' .. server.Absence()])
  endif
enddef

def Message(params: any)
  if params.type <= 2
    notice.Once(params.message)
  endif
enddef

server.On('copilot/status', Heard)
server.On('window/showMessage', Message)
