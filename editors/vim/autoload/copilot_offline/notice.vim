vim9script
# Messages to the user: one line, and the same one not twice.

var said: dict<bool> = {}

export def Say(text: string)
  echomsg 'copilot: ' .. text
enddef

export def Warn(text: string)
  echohl WarningMsg
  echomsg 'copilot: ' .. text
  echohl None
enddef

export def Once(text: string)
  if !has_key(said, text)
    said[text] = true
    Warn(text)
  endif
enddef

export def Forget()
  said = {}
enddef
