"""What a name does where it stands in a text: it binds, it is used, or it is a member of something else.

Told from the syntax around it. Does not know: scopes (a name bound anywhere in a text counts as bound), types, files.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from copilot.repo.syntax import Node, SyntaxTree, line_of

Does = Literal["binds", "uses", "member", "says"]
""""says": in a string, a comment, an import path or another place that is neither."""

_BINDING_FIELDS = frozenset(
    {
        ("function_definition", "name"), ("class_definition", "name"), ("default_parameter", "name"),
        ("typed_default_parameter", "name"), ("assignment", "left"), ("augmented_assignment", "left"),
        ("for_statement", "left"), ("for_in_clause", "left"), ("named_expression", "name"), ("aliased_import", "alias"),
        ("variable_declarator", "name"), ("function_declaration", "name"), ("class_declaration", "name"),
        ("generator_function_declaration", "name"), ("function_expression", "name"), ("required_parameter", "pattern"),
        ("optional_parameter", "pattern"), ("assignment_pattern", "left"), ("pair_pattern", "value"),
        ("object_assignment_pattern", "left"), ("catch_clause", "parameter"), ("arrow_function", "parameter"),
        ("for_in_statement", "left"), ("assignment_expression", "left"), ("import_specifier", "name"),
        ("import_specifier", "alias"), ("type_alias_declaration", "name"), ("interface_declaration", "name"),
        ("enum_declaration", "name"), ("type_parameter", "name"), ("abstract_class_declaration", "name"),
        ("function_signature", "name"), ("method_definition", "name"), ("internal_module", "name"), ("module", "name"),
        ("function_declarator", "declarator"), ("init_declarator", "declarator"), ("declaration", "declarator"),
        ("parameter_declaration", "declarator"), ("optional_parameter_declaration", "declarator"),
        ("preproc_def", "name"), ("preproc_function_def", "name"), ("enumerator", "name"),
        ("type_definition", "declarator"), ("field_declaration", "declarator"),
        ("parameter_declaration", "name"), ("variadic_parameter_declaration", "name"),
        ("short_var_declaration", "left"),
        ("var_spec", "name"), ("const_spec", "name"), ("range_clause", "left"), ("type_spec", "name"),
        ("type_alias", "name"), ("import_spec", "name"), ("method_declaration", "name"), ("method_elem", "name"),
        ("assignment_statement", "left"), ("receive_statement", "left"), ("type_switch_statement", "alias"),
        ("function_item", "name"), ("let_declaration", "pattern"), ("parameter", "pattern"), ("const_item", "name"),
        ("static_item", "name"), ("struct_item", "name"), ("enum_item", "name"), ("type_item", "name"),
        ("mod_item", "name"), ("trait_item", "name"), ("macro_definition", "name"), ("union_item", "name"),
        ("use_as_clause", "alias"), ("use_declaration", "argument"), ("for_expression", "pattern"),
        ("function_signature_item", "name"), ("enum_variant", "name"), ("associated_type", "name"),
        ("formal_parameter", "name"), ("enhanced_for_statement", "name"), ("catch_formal_parameter", "name"),
        ("record_declaration", "name"), ("annotation_type_declaration", "name"), ("lambda_expression", "parameters"),
        ("constructor_declaration", "name"), ("instanceof_expression", "name"), ("resource", "name"),
        ("enum_constant", "name"), ("annotation_type_element_declaration", "name"),
    }
)  # fmt: skip
_BINDING_PARENTS = frozenset(
    {
        "parameters", "lambda_parameters", "list_splat_pattern", "dictionary_splat_pattern", "as_pattern_target",
        "global_statement", "nonlocal_statement", "formal_parameters", "rest_pattern", "array_pattern",
        "import_clause", "namespace_import", "case_pattern", "preproc_params", "inferred_parameters", "use_list",
        "closure_parameters", "captured_pattern", "match_pattern", "tuple_struct_pattern", "type_parameters",
        "labeled_statement", "statement_identifier", "typed_parameter",
    }
)  # fmt: skip
_WRAPPERS = frozenset(
    {
        "pattern_list", "tuple_pattern", "list_pattern", "expression_list", "pointer_declarator", "array_declarator",
        "parenthesized_declarator", "reference_declarator", "mut_pattern", "ref_pattern", "attributed_declarator",
    }
)  # fmt: skip
_MEMBER_FIELDS = frozenset(
    {
        ("attribute", "attribute"), ("keyword_argument", "name"), ("pair", "key"), ("field_access", "field"),
        ("scoped_identifier", "name"), ("scoped_type_identifier", "name"), ("qualified_type", "name"),
        ("member_expression", "property"), ("selector_expression", "field"), ("field_expression", "field"),
        ("argument", "name"), ("element_value_pair", "key"), ("nested_identifier", "property"),
    }
)  # fmt: skip
_MEMBER_LEAVES = frozenset(
    {"property_identifier", "field_identifier", "private_property_identifier", "label_name", "statement_identifier"}
)
_SAYS = frozenset(
    {
        "dotted_name", "relative_import", "preproc_defined", "preproc_ifdef", "token_tree", "ERROR",
        "scoped_use_list", "import_declaration", "package_declaration", "preproc_arg", "preproc_call",
    }
)  # fmt: skip
_NAMES = frozenset({"identifier", "type_identifier", "shorthand_property_identifier", "name", "package_identifier"})


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One place where a name stands."""

    does: Does
    line: int
    """1-based."""
    node: Node


def occurrences(tree: SyntaxTree, name: str) -> Iterator[Occurrence]:
    """Where a name stands in a text, in order."""
    for node in tree.occurrences(name):
        yield Occurrence(does(tree, node), line_of(node), node)


def does(tree: SyntaxTree, node: Node) -> Does:
    """What a leaf does where it stands."""
    parent = node.parent
    if node.type in ("shorthand_property_identifier_pattern",):
        return "binds"
    if node.type in _MEMBER_LEAVES:
        return "member"
    if node.type not in _NAMES or parent is None:
        return "says"
    if parent.type == "dotted_name":
        return _of_import(node, parent)
    kind = (parent.type, _field(parent, node))
    if kind in _MEMBER_FIELDS or (kind == ("method_invocation", "name") and parent.child_by_field_name("object")):
        return "member"
    if kind in _BINDING_FIELDS or parent.type in _BINDING_PARENTS:
        return "binds"
    if kind[1] == "name" and parent.type.endswith("_specifier"):
        return "binds" if parent.child_by_field_name("body") else "uses"
    if parent.type in _WRAPPERS and parent.parent is not None:
        outer: Node | None = parent
        while outer is not None and outer.parent is not None and outer.parent.type in _WRAPPERS:
            outer = outer.parent
        if outer is not None and outer.parent is not None:
            field = (outer.parent.type, _field(outer.parent, outer))
            return "binds" if field in _BINDING_FIELDS or outer.parent.type in _BINDING_PARENTS else "uses"
    return "says" if parent.type in _SAYS else "uses"


def _of_import(node: Node, dotted: Node) -> Does:
    """What a part of a Python module path does: the name that an import binds, or nothing."""
    around = dotted.parent
    if around is None:
        return "says"
    if around.type == "import_statement":
        return "binds" if dotted.named_children[0] == node else "says"
    if around.type == "import_from_statement" and around.child_by_field_name("module_name") != dotted:
        return "binds"
    if around.type == "case_pattern":
        return "binds" if dotted.named_child_count == 1 else "uses"
    return "says"


def _field(parent: Node, node: Node) -> str:
    for index, child in enumerate(parent.children):
        if child == node:
            return parent.field_name_for_child(index) or ""
    return ""


def is_bound(tree: SyntaxTree, name: str) -> bool:
    """Tell whether anything in a text gives this name a meaning, or may do so unseen (`import *`)."""
    if tree.language.name == "python" and (b"import *" in tree.source or b"globals()" in tree.source):
        return True
    return any(occurrence.does == "binds" for occurrence in occurrences(tree, name))


def uses(tree: SyntaxTree, name: str) -> list[Occurrence]:
    """Where a name is used by itself: not as a member of something, not in an import."""
    return [occurrence for occurrence in occurrences(tree, name) if occurrence.does == "uses"]
