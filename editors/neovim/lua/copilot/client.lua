-- The language server's life: started for the first file, shared by all, started again when it dies.

local notice = require('copilot.notice')
local options = require('copilot.options')
local rpc = require('copilot.rpc')

local M = {}

M.NAME = 'copilot-offline'
local RESTARTS = 5
local RESTARTS_MS = 180000

---@type table<string, fun(value: table)> who hears what is streamed to a token
local streams = {}
---@type table<string, fun()> who must know that the server is gone
local on_end = {}
local is_wanted = true
local has_greeted = false
local has_process = false -- until its end was heard of
local last_id
local ended_at = {}

--- The running client, if there is one.
function M.get()
  for _, client in ipairs(vim.lsp.get_clients({ name = M.NAME })) do
    if not rpc.is_stopped(client) then
      return client
    end
  end
end

--- The client of a buffer, ready to be asked.
function M.of(buf)
  for _, client in ipairs(vim.lsp.get_clients({ name = M.NAME, bufnr = buf })) do
    if client.initialized and not rpc.is_stopped(client) then
      return client
    end
  end
end

--- Why there is no client that can be asked, and what to do.
function M.absence()
  return has_process and 'the language server is starting; try again in a moment'
    or 'the language server does not run; :checkhealth copilot'
end

--- The root of the repository a buffer's file is in, or nil.
function M.root(buf)
  local name = vim.api.nvim_buf_get_name(buf)
  if name == '' or name:match('^%a[%w+.-]+://') then
    return vim.fs.root(vim.fn.getcwd(), options.values.root_markers)
  end
  return vim.fs.root(name, options.values.root_markers)
end

--- Why a buffer has nothing to do with the server; nil if it has.
function M.refusal(buf)
  local wants = options.values
  if not vim.api.nvim_buf_is_loaded(buf) or vim.bo[buf].buftype ~= '' then
    return 'it is no file'
  end
  local kind = vim.bo[buf].filetype
  if #wants.filetypes > 0 and not vim.tbl_contains(wants.filetypes, kind) then
    return ('its type %q is not among `filetypes`'):format(kind)
  end
  if vim.tbl_contains(wants.disabled_filetypes, kind) then
    return ('its type %q is among `disabled_filetypes`'):format(kind)
  end
  local size = vim.api.nvim_buf_get_offset(buf, vim.api.nvim_buf_line_count(buf))
  if size > wants.max_file_bytes then
    return ('it has %d bytes, more than `max_file_bytes`'):format(size)
  end
end

local function capabilities()
  local own = vim.lsp.protocol.make_client_capabilities()
  if not own.textDocument.inlineCompletion then
    own.textDocument.inlineCompletion = { dynamicRegistration = false }
  end
  return own
end

local function progress(err, result, context)
  local heard = result and streams[tostring(result.token)]
  if heard then
    heard(result.value)
    return
  end
  return vim.lsp.handlers['$/progress'](err, result, context)
end

local function attach_all()
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    M.attach(buf)
  end
end

local function gone()
  local waiting = on_end
  on_end, streams = {}, {}
  has_process = false
  for _, told in pairs(waiting) do
    told()
  end
  require('copilot.status').set({ kind = 'Inactive', message = 'the language server ended' })
  if not is_wanted or vim.v.exiting ~= vim.NIL then
    return
  end
  if not has_greeted then
    is_wanted = false
    notice.say('the language server does not start; `:Copilot log` and :checkhealth copilot tell why', vim.log.levels.ERROR)
    return
  end
  has_greeted = false
  local now = vim.uv.now()
  ended_at = vim.tbl_filter(function(at)
    return now - at < RESTARTS_MS
  end, ended_at)
  table.insert(ended_at, now)
  if #ended_at > RESTARTS then
    is_wanted = false
    notice.say(
      'the language server keeps ending; `:Copilot log` tells why, `:Copilot restart` tries again',
      vim.log.levels.ERROR
    )
    return
  end
  if #ended_at == 1 then
    notice.say('the language server ended and is started again', vim.log.levels.WARN)
  end
  vim.defer_fn(attach_all, 100 * 2 ^ #ended_at)
end

--- Start the server's process. How it ended is kept from Neovim, whose own message would come besides ours.
local function process(dispatchers)
  local ended = dispatchers.on_exit
  has_process = true
  return vim.lsp.rpc.start(
    options.values.cmd,
    vim.tbl_extend('force', dispatchers, {
      on_exit = function()
        ended(0, 0)
      end,
    })
  )
end

local function configuration(root)
  return {
    name = M.NAME,
    cmd = process,
    root_dir = root,
    capabilities = capabilities(),
    init_options = options.values.server,
    settings = { copilot = options.values.server },
    handlers = {
      ['$/progress'] = progress,
      ['copilot/status'] = function(_, result)
        require('copilot.status').set(result)
      end,
    },
    on_init = function()
      has_greeted = true
    end,
    on_exit = vim.schedule_wrap(gone),
  }
end

local function add_folder(client, root)
  for _, folder in ipairs(client.workspace_folders or {}) do
    if folder.name == root or vim.uri_to_fname(folder.uri) == root then
      return
    end
  end
  local folder = { uri = vim.uri_from_fname(root), name = root }
  client.workspace_folders = client.workspace_folders or {}
  table.insert(client.workspace_folders, folder)
  rpc.notify(client, 'workspace/didChangeWorkspaceFolders', { event = { added = { folder }, removed = {} } })
end

--- Have the server look after a buffer, and start it if need be.
function M.attach(buf)
  if not is_wanted or M.refusal(buf) then
    return
  end
  local program = options.values.cmd[1]
  if vim.fn.executable(program) == 0 then
    notice.once(
      ('`%s` is not found; put it on PATH or set `cmd` to its full path, see :checkhealth copilot'):format(program),
      vim.log.levels.WARN
    )
    return
  end
  local root = M.root(buf)
  local last = last_id and vim.lsp.get_client_by_id(last_id)
  if has_process and last and rpc.is_stopped(last) then
    return -- what comes next is decided when its end is heard of
  end
  local id = vim.lsp.start(configuration(root), {
    bufnr = buf,
    reuse_client = function(client)
      return client.name == M.NAME and not rpc.is_stopped(client)
    end,
  })
  last_id = id
  local client = id and vim.lsp.get_client_by_id(id)
  if client and client.initialized and root then
    add_folder(client, root)
  end
end

--- A buffer is about to have another name: to the server it is another document.
function M.rename(buf)
  local client = M.of(buf)
  if client then
    vim.lsp.buf_detach_client(buf, client.id)
    vim.schedule(function() -- under the new name, or under the old one if it could not be changed
      if vim.api.nvim_buf_is_valid(buf) then
        M.attach(buf)
      end
    end)
  end
end

--- Hear what is streamed to a token until the returned function is called; `ended` if the server dies before.
---@param token string
---@param heard fun(value: table)
---@param ended fun()
---@return fun()
function M.listen(token, heard, ended)
  streams[token] = heard
  on_end[token] = ended
  return function()
    streams[token] = nil
    on_end[token] = nil
  end
end

--- Stop the server until `start` is called.
function M.stop()
  is_wanted = false
  for _, client in ipairs(vim.lsp.get_clients({ name = M.NAME })) do
    rpc.stop(client)
  end
end

function M.start()
  is_wanted = true
  ended_at = {}
  notice.forget()
  attach_all()
end

--- Stop the server and start it with the options as they are now.
function M.restart()
  M.stop()
  vim.wait(2000, function()
    return not has_process
  end, 20)
  M.start()
end

return M
