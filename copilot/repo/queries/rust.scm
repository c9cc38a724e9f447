; Rust. An impl block is a definition of kind impl under the name of its type.

(function_item name: (_) @name body: (block) @body) @definition.function
(function_signature_item name: (_) @name) @definition.function
(struct_item name: (type_identifier) @name body: (field_declaration_list) @body) @definition.struct
(struct_item name: (type_identifier) @name) @definition.struct
(union_item name: (type_identifier) @name body: (_) @body) @definition.struct
(enum_item name: (type_identifier) @name body: (_) @body) @definition.enum
(enum_variant name: (identifier) @name) @definition.field
(trait_item name: (type_identifier) @name body: (_) @body) @definition.trait
(impl_item type: [
    (type_identifier) @name
    (generic_type type: (type_identifier) @name)
    (scoped_type_identifier name: (type_identifier) @name)
    (reference_type type: (type_identifier) @name)]
  body: (_) @body) @definition.impl
(mod_item name: (identifier) @name body: (_) @body) @definition.module
(type_item name: (type_identifier) @name) @definition.type
(associated_type name: (type_identifier) @name) @definition.type
(const_item name: (identifier) @name) @declaration.constant
(static_item name: (identifier) @name) @declaration.constant
(macro_definition name: (identifier) @name . (macro_rule)? @body) @definition.macro
(field_declaration name: (field_identifier) @name) @declaration.field

(use_declaration argument: (_) @import)
(mod_item name: (identifier) @import !body)
(extern_crate_declaration name: (identifier) @import)

(use_list (identifier) @reference)
(use_declaration argument: (scoped_identifier name: (identifier) @reference))
(use_list (scoped_identifier name: (identifier) @reference))
(use_as_clause path: (scoped_identifier name: (identifier) @reference))
(call_expression function: (identifier) @reference)
(scoped_identifier name: (identifier) @reference)
(call_expression function: (generic_function function: (identifier) @reference))
(field_expression field: (field_identifier) @reference)
(macro_invocation macro: (identifier) @reference)
(type_identifier) @reference

(line_comment) @comment
(block_comment) @comment
(attribute_item) @attribute
