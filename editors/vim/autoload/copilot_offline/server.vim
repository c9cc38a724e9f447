vim9script
# The language server's process and the messages between it and Vim. It is started for the first file and started
# again when it dies. Does not know what the messages are about: others register for those.

import autoload './notice.vim'
import autoload './options.vim'
import autoload './uris.vim'

const RESTARTS = 5
const RESTARTS_S = 180
const LOG_LINES = 500

var job: job
var is_ready = false
var is_wanted = true
var generation = 0
var ended_at: list<number> = []
var log: list<string> = []
var root = ''
var heard: dict<func> = {}
var asked: dict<func> = {}
var streams: dict<func> = {}
var lost: dict<func> = {}
var waiting: list<func> = []
var started: list<func> = []

# -- what others use ----------------------------------------------------------------------------------------------

export def IsRunning(): bool
  return job_status(job) == 'run'
enddef

export def IsReady(): bool
  return is_ready && IsRunning()
enddef

# Why it is not ready, and what to do.
export def Absence(): string
  return IsRunning() ? 'the language server is starting; try again in a moment'
    : 'the language server does not run; `copilot doctor` in a shell, `:Copilot log`'
enddef

# Call a function whenever a server is ready for documents.
export def OnStart(Function: func)
  add(started, Function)
enddef

# Hear a notification of the server's.
export def On(method: string, Function: func)
  heard[method] = Function
enddef

# Answer a request of the server's.
export def Answer(method: string, Function: func)
  asked[method] = Function
enddef

# Hear what is streamed to a token; `Lost` is called if the server dies first.
export def Listen(token: string, Heard: func, Lost: func)
  streams[token] = Heard
  lost[token] = Lost
enddef

export def Unlisten(token: string)
  if has_key(streams, token)
    remove(streams, token)
    remove(lost, token)
  endif
enddef

# Send a request; `Done(result, error)` is called with null for what there is not. Returns its id, 0 for not sent.
export def Request(method: string, params: dict<any>, Done: func): number
  if !IsReady()
    return 0
  endif
  return Send(method, params, Done)
enddef

export def Notify(method: string, params: dict<any>)
  if IsReady()
    ch_sendexpr(job, {method: method, params: params})
  endif
enddef

export def Cancel(id: number)
  if id > 0 && IsReady()
    ch_sendexpr(job, {method: '$/cancelRequest', params: {id: id}})
  endif
enddef

export def Log(): list<string>
  return log
enddef

# Start the server for a repository unless it runs or is not wanted; "" is no repository.
export def Start(folder: string)
  if IsRunning() || !is_wanted
    return
  endif
  var command = options.Get('command')
  if empty(command) || executable(command[0]) == 0
    notice.Once(printf('`%s` is not found; put it on PATH or set g:copilot_offline.command to its full path',
      get(command, 0, '')))
    return
  endif
  root = folder
  generation += 1
  var mine = generation
  job = job_start(command, {
    in_mode: 'lsp',
    out_mode: 'lsp',
    err_mode: 'nl',
    noblock: 1,
    out_cb: (_, message) => Received(message),
    err_cb: (_, line) => Logged(line),
    exit_cb: (_, code) => Ended(mine, code),
  })
  Send('initialize', Introduction(), (result, error) => Initialized(mine, result, error))
enddef

export def Stop()
  is_wanted = false
  if IsRunning()
    var old = job
    if is_ready
      Send('shutdown', {}, (_, _) => {
        if job_status(old) == 'run'
          ch_sendexpr(old, {method: 'exit'})
        endif
      })
    endif
    timer_start(2000, (_) => job_stop(old, 'kill'))
  endif
enddef

export def Restart()
  is_wanted = true
  ended_at = []
  notice.Forget()
  if IsRunning()
    generation += 1
    job_stop(job, 'kill')
    Gone()
  endif
  timer_start(200, (_) => Again())
enddef

# -- life -----------------------------------------------------------------------------------------------------------

def Introduction(): dict<any>
  var folders: list<dict<any>> = []
  if root != ''
    folders = [{uri: uris.Of(root), name: fnamemodify(root, ':t')}]
  endif
  return {
    processId: getpid(),
    clientInfo: {name: 'Vim', version: string(v:versionlong)},
    rootUri: root == '' ? v:null : uris.Of(root),
    workspaceFolders: folders,
    initializationOptions: options.Get('server'),
    capabilities: {
      general: {positionEncodings: ['utf-8']},
      window: {workDoneProgress: true, showDocument: {support: true}},
      workspace: {workspaceFolders: true, configuration: true, applyEdit: true,
        workspaceEdit: {documentChanges: true}},
      textDocument: {
        synchronization: {didSave: true},
        publishDiagnostics: {dataSupport: true},
        inlineCompletion: {},
        codeAction: {dataSupport: true, resolveSupport: {properties: ['edit']},
          codeActionLiteralSupport: {codeActionKind: {valueSet: ['quickfix', 'refactor']}}},
      },
    },
  }
enddef

def Initialized(mine: number, result: any, error: any)
  if mine != generation
    return
  endif
  if type(result) != v:t_dict || get(result.capabilities, 'positionEncoding', '') != 'utf-8'
    is_wanted = false
    notice.Warn('the language server does not suit this plugin; bring both to the same version')
    job_stop(job)
    return
  endif
  is_ready = true
  ch_sendexpr(job, {method: 'initialized', params: {}})
  for Function in started
    Function()
  endfor
enddef

def Gone()
  is_ready = false
  var told = values(lost)
  streams = {}
  lost = {}
  for Function in told
    Function()
  endfor
enddef

def Ended(mine: number, code: number)
  if mine != generation
    return
  endif
  var has_greeted = is_ready
  Gone()
  if !is_wanted || v:exiting != v:null
    return
  endif
  if !has_greeted
    is_wanted = false
    notice.Warn(printf('the language server does not start (%d); `:Copilot log` tells why', code))
    return
  endif
  var now = localtime()
  filter(ended_at, (_, at) => now - at < RESTARTS_S)
  add(ended_at, now)
  if len(ended_at) > RESTARTS
    is_wanted = false
    notice.Warn('the language server keeps ending; `:Copilot log` tells why, `:Copilot restart` tries again')
    return
  endif
  if len(ended_at) == 1
    notice.Warn(printf('the language server ended (%d) and is started again', code))
  endif
  timer_start(float2nr(100 * pow(2, len(ended_at))), (_) => Again())
enddef

def Again()
  Start(root)
enddef

def Logged(line: string)
  add(log, line)
  if len(log) > LOG_LINES
    remove(log, 0, len(log) - LOG_LINES - 1)
  endif
enddef

# -- messages -------------------------------------------------------------------------------------------------------

def Send(method: string, params: dict<any>, Done: func): number
  var sent = ch_sendexpr(job, {method: method, params: params}, {
    callback: (_, reply) => Done(get(reply, 'result', v:null), get(reply, 'error', v:null)),
  })
  return type(sent) == v:t_dict ? get(sent, 'id', 0) : 0
enddef

def Received(message: any)
  if type(message) != v:t_dict || !has_key(message, 'method')
    return
  endif
  var params = get(message, 'params', v:null)
  if has_key(message, 'id')
    Reply(message.id, message.method, params)
  elseif message.method == '$/progress'
    var token = string(params.token)->trim("'")
    if has_key(streams, token)
      call(streams[token], [params.value])
    endif
  elseif has_key(heard, message.method)
    call(heard[message.method], [params])
  endif
enddef

# Vim makes ids of its own for what it sends as an expression, so a reply is sent as text.
def Reply(id: any, method: string, params: any)
  var reply: dict<any> = {jsonrpc: '2.0', id: id}
  if has_key(asked, method)
    reply.result = call(asked[method], [params])
  elseif index(['client/registerCapability', 'client/unregisterCapability', 'window/workDoneProgress/create'],
      method) >= 0
    reply.result = v:null
  elseif method == 'workspace/configuration'
    reply.result = mapnew(params.items, (_, _) => options.Get('server'))
  else
    reply.error = {code: -32601, message: 'this editor does not do that'}
  endif
  var body = json_encode(reply)
  ch_sendraw(job, printf("Content-Length: %d\r\n\r\n%s", strlen(body), body))
enddef
