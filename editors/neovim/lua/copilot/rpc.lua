-- Requests and notifications on any Neovim from 0.10: clients had functions first and methods later.

local M = {}

local has_methods = vim.fn.has('nvim-0.11') == 1

local function call(client, name, ...)
  if has_methods then
    return client[name](client, ...)
  end
  return client[name](...)
end

--- Send a request; returns its id, or nil if the server is gone.
function M.request(client, method, params, callback, buf)
  local sent, id = call(client, 'request', method, params, callback, buf)
  return sent and id or nil
end

function M.notify(client, method, params)
  return call(client, 'notify', method, params)
end

function M.cancel(client, id)
  if not M.is_stopped(client) then
    call(client, 'cancel_request', id)
  end
end

function M.stop(client)
  call(client, 'stop')
end

function M.is_stopped(client)
  return call(client, 'is_stopped')
end

--- Run a command of the server's without waiting for it.
function M.execute(client, command, buf)
  M.request(client, 'workspace/executeCommand', {
    command = command.command,
    arguments = command.arguments,
  }, function() end, buf)
end

--- The byte column of a position's character in its line.
---@return integer
function M.byte_column(line, character, encoding)
  if encoding == 'utf-8' then
    return math.min(character, #line)
  end
  if has_methods then
    return vim.str_byteindex(line, encoding, character, false)
  end
  local is_inside, column = pcall(vim.str_byteindex, line, character, encoding == 'utf-16')
  return is_inside and column or #line
end

--- How many UTF-16 units a text has.
---@return integer
function M.utf16_length(text)
  if has_methods then
    return vim.str_utfindex(text, 'utf-16')
  end
  return (select(2, vim.str_utfindex(text)))
end

return M
