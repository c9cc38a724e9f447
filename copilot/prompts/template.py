"""Renders a chat template that came inside a model file: it can reach nothing, and it comes to an end.

Jinja's sandbox keeps a template from Python's objects; the bounds on steps and sizes here keep it from running away.
"""

import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

MAX_TEMPLATE_CHARS = 1 << 17
MAX_STEPS = 200_000
"""Lines of a compiled template and of what it calls; the published ones take a few hundred."""
MAX_RANGE = 1_000
MAX_CHARS = 1 << 16
"""Of any text, and items of any list, that is put together on the way."""
_WIDE = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map", "replace", "join"})
"""Methods of text that make much of little; templates use the filters `replace` and `join`."""
_FILTERS = frozenset(
    {"center", "format", "indent", "wordwrap", "batch", "slice", "filesizeformat", "pprint", "xmlattr"}
)


class _BoundedEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox without what grows by a number."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic of small numbers, and sums of what is not long: neither text nor lists are multiplied."""
        if operator == "+" and isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
            if len(left) + len(right) > MAX_CHARS:
                raise TemplateError("the template adds up too much")
        elif (
            not all(isinstance(side, int | float) and abs(side) < 1 << 32 for side in (left, right)) or operator == "**"
        ):
            raise TemplateError(f"{operator} is not used in chat templates so")
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> Any:
        """The sandbox would call `format` itself; here it is an attribute as any other, and not a safe one."""
        return None

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str | bytes) and attr in _WIDE:
            return False
        return super().is_safe_attribute(obj, attr, value)


def render(template: str, values: Mapping[str, object]) -> str:
    """What a template makes of `values`; TemplateError, or what its own mistakes raise, where that cannot be told."""
    if len(template) > MAX_TEMPLATE_CHARS:
        raise TemplateError("the template is absurdly long")
    environment = _BoundedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals = {"raise_exception": _refuse, "range": _range, "namespace": Namespace, "dict": dict}
    environment.filters["replace"] = _replace
    for name in _FILTERS:
        environment.filters.pop(name, None)
    compiled = environment.from_string(template)
    outer = sys.gettrace()
    sys.settrace(_Steps().trace)
    try:
        return compiled.render(values)
    finally:
        sys.settrace(outer)


class _Steps:
    """Counts the lines that run, and stops at the bound."""

    def __init__(self) -> None:
        self._left = MAX_STEPS

    def trace(self, frame: FrameType, event: str, argument: object) -> Any:
        self._left -= 1
        if event == "return" and isinstance(argument, str | list) and len(argument) > MAX_CHARS:
            raise TemplateError("the template makes too much of too little")
        if self._left < 0:
            raise TemplateError("the template does not come to an end")
        return self.trace


def _range(*bounds: int) -> range:
    made = range(*bounds)
    if len(made) > MAX_RANGE:
        raise TemplateError("the template counts too far")
    return made


def _replace(text: object, old: str, new: str, count: int = -1) -> str:
    """The filter of that name; TemplateError where the text would become long."""
    given = str(text)
    if len(given) + given.count(str(old)) * len(str(new)) > MAX_CHARS:
        raise TemplateError("the template replaces too much")
    return given.replace(str(old), str(new), count)


def _refuse(message: str) -> str:
    raise TemplateError(message)
