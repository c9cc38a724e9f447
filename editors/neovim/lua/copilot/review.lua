-- Reviews on command: the findings go to the quickfix list; the server shows them as diagnostics besides.

local client = require('copilot.client')
local notice = require('copilot.notice')
local rpc = require('copilot.rpc')

local M = {}

local KINDS = { low = 'I', medium = 'W', high = 'E', critical = 'E' }
M.WHICH = { 'uncommitted', 'staged', 'unstaged' }

--- Findings as entries of a quickfix list.
---@param findings table[]
---@param root string
---@return table[]
function M.entries(findings, root)
  return vim.tbl_map(function(finding)
    local message = finding.message ~= '' and finding.title .. ': ' .. finding.message or finding.title
    return {
      filename = vim.fs.joinpath(root, finding.path),
      lnum = finding.start_line,
      end_lnum = finding.end_line,
      type = KINDS[finding.severity] or 'W',
      text = ('[%s] %s (%s)'):format(finding.severity, message:gsub('%s+', ' '), finding.rule),
    }
  end, findings)
end

local function show(result, root)
  local findings = result.findings or {}
  vim.fn.setqflist({}, ' ', {
    title = 'copilot review: ' .. (result.label or ''),
    items = M.entries(findings, root),
  })
  if #findings > 0 then
    vim.cmd('botright copen')
    vim.cmd.wincmd('p')
  else
    notice.say('nothing found in ' .. (result.label or 'the changes'))
  end
end

--- Review now: "uncommitted", "staged", "unstaged", or a range of revisions.
---@param which string?
function M.run(which)
  local buf = vim.api.nvim_get_current_buf()
  local from = client.of(buf) or client.get()
  if not from then
    notice.say(client.absence(), vim.log.levels.WARN)
    return
  end
  local root = client.root(buf) or from.root_dir or vim.fn.getcwd()
  local params = { uri = vim.uri_from_fname(root), which = which or 'uncommitted' }
  if which and not vim.tbl_contains(M.WHICH, which) then
    params.which, params.revisions = 'range', which
  end
  rpc.request(from, 'copilot/review', params, function(err, result)
    if err then
      notice.say(err.message, vim.log.levels.WARN)
    else
      show(result, root)
    end
  end, buf)
end

--- Apply the fix of the finding at the cursor.
function M.fix()
  vim.lsp.buf.code_action({
    context = { only = { 'quickfix' }, diagnostics = {} },
    apply = true,
  })
end

return M
