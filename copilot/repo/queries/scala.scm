; Scala 2 and 3.

(package_object name: (identifier) @name body: (_) @body) @definition.module
(trait_definition name: (_) @name body: (_)? @body) @definition.trait
(class_definition name: (_) @name body: (_)? @body) @definition.class
(object_definition name: (_) @name body: (_)? @body) @definition.class
(enum_definition name: (_) @name body: (_) @body) @definition.enum
(enum_case_definitions [(simple_enum_case name: (_) @name) (full_enum_case name: (_) @name)]) @definition.field
(function_definition name: (_) @name body: (_) @body) @definition.function
(function_declaration name: (_) @name) @definition.function
(given_definition name: (_) @name body: (_)? @body) @definition.class
(type_definition name: (_) @name) @definition.type
(template_body (val_definition pattern: (identifier) @name) @declaration.field)
(template_body (var_definition pattern: (identifier) @name) @declaration.field)
(template_body (val_declaration name: (identifier) @name) @declaration.field)
(template_body (var_declaration name: (identifier) @name) @declaration.field)
(compilation_unit (val_definition pattern: (identifier) @name) @definition.constant)

(import_declaration) @import

(namespace_selectors (identifier) @reference)
(arrow_renamed_identifier name: (identifier) @reference)
(import_declaration path: (identifier) @reference .)
(call_expression function: (identifier) @reference)
(generic_function function: (identifier) @reference)
(field_expression field: (identifier) @reference)
(field_expression value: (identifier) @reference (#match? @reference "^[A-Z]"))
(stable_type_identifier (identifier) @reference)
(case_class_pattern type: (_) @reference)
(type_identifier) @reference

(comment) @comment
(block_comment) @comment
