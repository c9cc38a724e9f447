"""Commands and code that are put together from values: shells, eval.

Does not know: what the values may be at run time; it follows them inside one function only.
"""

from collections.abc import Iterator

from copilot.repo.syntax import Node
from copilot.review.called import Called
from copilot.review.finding import Severity
from copilot.review.flow import Flow, Origin, described, flow
from copilot.review.rule import Hit, Rule
from copilot.review.view import FileView, is_silenced

SHELL = Rule(
    "shell-injection", "shell command built from a value", Severity.HIGH, "security",
    "A command for a shell is put together from a parameter, from input, or from parts that are not constant:"
    " `subprocess` with `shell=True`, `os.system`, `child_process.exec`, `exec.Command(\"sh\", \"-c\", …)`, `system`,"
    " `popen`, backticks. Quoted values (`shlex.quote`, `escapeshellarg`) and constants are fine.",
    0.8,
)  # fmt: skip
CODE = Rule(
    "code-injection", "code run from a value", Severity.HIGH, "security",
    "`eval`, `exec`, `new Function` or `instance_eval` is given a parameter, input, or text that is not constant.",
    0.75,
)  # fmt: skip
RULES = (SHELL, CODE)
_ECMASCRIPT = frozenset({"javascript", "typescript", "tsx"})
_SUBPROCESS = frozenset({"run", "call", "check_call", "check_output", "Popen", "getoutput", "getstatusoutput"})
_SHELLS = frozenset({'"sh"', '"bash"', '"/bin/sh"', '"/bin/bash"', '"cmd"', '"cmd.exe"'})
_SHELL_CALLS = {
    "python": {"os.system", "os.popen", "commands.getoutput", "subprocess.getoutput", "subprocess.getstatusoutput"},
    "php": {"system", "exec", "shell_exec", "passthru", "popen", "proc_open"},
    "ruby": {"system", "exec", "spawn", "IO.popen", "Open3.capture3", "Kernel.system"},
    "c": {"system", "popen"},
    "cpp": {"system", "popen", "std.system"},
    "javascript": {"child_process.exec", "child_process.execSync", "exec", "execSync", "cp.exec", "cp.execSync"},
}
_CODE_CALLS = {
    "python": {"eval", "exec"},
    "javascript": {"eval", "Function", "window.eval", "vm.runInNewContext", "vm.runInThisContext"},
    "php": {"eval", "create_function"},
    "ruby": {"eval", "instance_eval", "class_eval"},
}


def check(view: FileView) -> Iterator[Hit]:
    """Shell commands and evaluated code among the added lines."""
    if view.is_aside or view.new_tree is None:
        return
    code = "javascript" if view.code in _ECMASCRIPT else view.code
    for call in view.touched:
        if is_silenced(view.line(call.line)) or is_silenced(view.line(call.end_line)):
            continue
        command = _command(view, call, code)
        if command is not None:
            yield from _judged(view, SHELL, call, command)
        elif call.callee in _CODE_CALLS.get(code, ()) and call.arguments:
            yield from _judged(view, CODE, call, call.arguments[-1] if call.name == "Function" else call.arguments[0])
    yield from _backticks(view)


def _command(view: FileView, call: Called, code: str) -> Node | None:
    """The expression that a shell will run."""
    assert view.new_tree is not None
    if not call.arguments:
        return None
    if code == "python" and call.callee.startswith("subprocess.") and call.name in _SUBPROCESS:
        shell = call.keywords.get("shell")
        if shell is not None and view.new_tree.text(shell) in ("True", "1"):
            return call.arguments[0]
    if call.callee in _SHELL_CALLS.get(code, ()):
        if code == "javascript" and call.callee in ("exec", "execSync") and "child_process" not in _source(view):
            return None
        if code == "ruby" and len(call.arguments) > 1:
            return None  # a program and its arguments: no shell
        return call.arguments[0]
    if code == "go" and call.callee in ("exec.Command", "exec.CommandContext"):
        texts = [view.new_tree.text(argument) for argument in call.arguments]
        if len(texts) >= 3 and texts[-2] in ('"-c"', '"/C"', '"/c"') and texts[-3] in _SHELLS:
            return call.arguments[-1]
    if code == "java" and call.name == "exec" and "getRuntime()" in call.callee:
        return call.arguments[0]
    return None


def _source(view: FileView) -> str:
    return view.file.new_text or ""


def _judged(view: FileView, rule: Rule, call: Called, expression: Node) -> Iterator[Hit]:
    assert view.new_tree is not None
    value = flow(view.new_tree, expression)
    if not _is_doubtful(value, rule, expression):
        return
    verb = "runs in a shell" if rule is SHELL else "is run as code"
    cure = "pass a list without a shell, or quote it" if rule is SHELL else "parse it instead, or take it from a table"
    message = f"`{call.callee}` gets {described(value)}, which {verb}: whoever controls it can run anything; {cure}"
    yield view.hit(rule, (call.line, call.end_line), message)


def _is_doubtful(value: Flow, rule: Rule, expression: Node) -> bool:
    if expression.type in ("list", "array", "array_creation_expression"):
        return False
    if value.origin is Origin.INPUT:
        return True
    if rule is CODE:
        return value.origin is Origin.PARAMETER or (value.is_built and value.origin > Origin.CONSTANT)
    return value.is_built or value.origin is Origin.PARAMETER


def _backticks(view: FileView) -> Iterator[Hit]:
    if view.code not in ("ruby", "php") or view.new_tree is None:
        return
    for node in view.added_nodes:
        if node.type in ("subshell", "shell_command_expression"):
            value = flow(view.new_tree, node)
            number = node.start_point.row + 1
            if value.origin > Origin.CONSTANT and not view.is_moved(number) and not is_silenced(view.line(number)):
                message = f"{described(value)} runs in a shell as part of this command; quote it, or use no shell"
                yield view.hit(SHELL, (number, number), message)
