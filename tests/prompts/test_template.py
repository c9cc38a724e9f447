"""A template of a model file renders as its author meant, or fails soon; it never hangs, grows or reaches anything."""

import pytest
from jinja2 import TemplateError

from copilot.prompts.chat import choose_format
from copilot.prompts.template import render
from copilot.testing.tiny_gguf import CHATML_TEMPLATE, GEMMA4_TEMPLATE

HOSTILE = [
    "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(9) %}x{% endfor %}{% endfor %}{% endfor %}",
    "{% set n = namespace(s='ab') %}{% for a in range(50) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
    "{% set n = namespace(s='ab') %}{% for a in range(50) %}{% set n.s = n.s + n.s %}{% endfor %}",
    "{% set n = namespace(s=[0]) %}{% for a in range(50) %}{% set n.s = n.s + n.s %}{% endfor %}",
    "{% set n = namespace(s='ab') %}{% for a in range(50) %}{% set n.s = n.s | replace('a', n.s) %}{% endfor %}",
    "{% for a in range(10000000000) %}{% endfor %}",
    "{{ 'a' * 10000000000 }}",
    "{{ [0] * 10000000000 }}",
    "{{ 9 ** 9 ** 9 ** 9 }}",
    "{{ '%10000000000s' % 'a' }}",
    "{{ '{:>10000000000}'.format('a') }}",
    "{{ 'a'.center(10000000000) }}",
    "{{ 'a' | center(10000000000) }}",
    "{{ 'a' | indent(10000000000) }}",
    "{{ '%10000000000d' | format(1) }}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ messages.append(1) }}",
    "{% include '/etc/passwd' %}",
    "{{ cycler.__init__.__globals__.os.system('true') }}",
    "{{ lipsum(1000000) }}",
    "{" * 200_000,
    "{{" + "(" * 5_000 + ")" * 5_000 + "}}",
]


@pytest.mark.parametrize("template", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_template_is_one_that_does_not_agree(template: str) -> None:
    """It costs neither the process nor its time; the format is then chosen by the vocabulary alone."""
    chosen = choose_format(lambda literal: literal.startswith("<|im_"), template)
    assert chosen is not None and (chosen[0].name, chosen[1]) == ("chatml", False)


@pytest.mark.parametrize(("template", "format_name"), [(CHATML_TEMPLATE, "chatml"), (GEMMA4_TEMPLATE, "gemma4")])
def test_templates_as_they_are_published_still_agree(template: str, format_name: str) -> None:
    """Loops, namespaces, filters and methods that real templates use are all there."""
    chosen = choose_format(lambda literal: (format_name == "chatml") == literal.startswith("<|im_"), template)
    assert chosen is not None and (chosen[0].name, chosen[1]) == (format_name, True)


def test_an_error_of_a_template_is_one() -> None:
    """`raise_exception` is what templates say no with."""
    with pytest.raises(TemplateError, match="no system role"):
        render("{{ raise_exception('no system role') }}", {})
