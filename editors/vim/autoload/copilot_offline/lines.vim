vim9script
# Lists of lines: what changed between two, and edits of a language server made of one. Pure functions.

# The text of a buffer as lines; a last line that is ended is followed by an empty one.
export def Of(buf: number): list<string>
  var found = getbufline(buf, 1, '$')
  if found == [''] || empty(found)
    return ['']
  endif
  if getbufvar(buf, '&endofline') || getbufvar(buf, '&fixendofline')
    add(found, '')
  endif
  return found
enddef

# How many lines two lists have in common at their begin, and then at their end.
def Common(old: list<string>, new: list<string>): list<number>
  var least = min([len(old), len(new)])
  var head = 0
  while head < least && old[head] ==# new[head]
    head += 1
  endwhile
  var tail = 0
  while tail < least - head && old[-1 - tail] ==# new[-1 - tail]
    tail += 1
  endwhile
  return [head, tail]
enddef

# The change that makes `new` of `old`, as a language server is told of it; columns are bytes.
export def Change(old: list<string>, new: list<string>): dict<any>
  var [head, tail] = Common(old, new)
  if tail > 0
    var lines = new[head : len(new) - tail - 1]
    if head + tail >= len(new)
      lines = []
    endif
    return {
      range: {start: {line: head, character: 0}, end: {line: len(old) - tail, character: 0}},
      text: empty(lines) ? '' : join(lines, "\n") .. "\n",
    }
  endif
  # To the very end: begin behind the last line that stays.
  var end = {line: len(old) - 1, character: strlen(old[-1])}
  if head == 0
    return {range: {start: {line: 0, character: 0}, end: end}, text: join(new, "\n")}
  endif
  var rest = head < len(new) ? "\n" .. join(new[head :], "\n") : ''
  return {range: {start: {line: head - 1, character: strlen(old[head - 1])}, end: end}, text: rest}
enddef

# Lines with a language server's edits made, none of which overlap.
export def Edited(lines: list<string>, edits: list<dict<any>>): list<string>
  var result = copy(lines)
  var ordered = sort(copy(edits), (one, other) => Before(other.range.start, one.range.start))
  for edit in ordered
    var [first, last] = [edit.range.start, edit.range.end]
    var before = first.line < len(result) ? strpart(result[first.line], 0, first.character) : ''
    var after = last.line < len(result) ? strpart(result[last.line], last.character) : ''
    var new = split(before .. edit.newText .. after, "\n", true)
    var stop = min([last.line, len(result) - 1])
    if first.line <= stop
      remove(result, first.line, stop)
    endif
    extend(result, new, min([first.line, len(result)]))
  endfor
  return result
enddef

def Before(one: dict<any>, other: dict<any>): number
  return one.line == other.line ? one.character - other.character : one.line - other.line
enddef

# Make a buffer's lines be these, and leave those that are already.
export def Put(buf: number, lines: list<string>)
  var new = len(lines) > 1 && lines[-1] == '' ? lines[: -2] : lines
  var old = getbufline(buf, 1, '$')
  var [head, tail] = Common(old, new)
  var wanted = head + tail < len(new) ? new[head : len(new) - tail - 1] : []
  var extra = len(old) - head - tail
  if !empty(wanted)
    appendbufline(buf, head + extra, wanted)
  endif
  if extra > 0
    deletebufline(buf, head + 1, head + extra)
  endif
enddef
