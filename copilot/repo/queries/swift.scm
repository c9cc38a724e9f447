; Swift. An extension is a definition of kind impl under the name of its type.

(class_declaration declaration_kind: "class" name: (_) @name body: (_) @body) @definition.class
(class_declaration declaration_kind: "actor" name: (_) @name body: (_) @body) @definition.class
(class_declaration declaration_kind: "struct" name: (_) @name body: (_) @body) @definition.struct
(class_declaration declaration_kind: "enum" name: (_) @name body: (_) @body) @definition.enum
(class_declaration declaration_kind: "extension" name: (_) @name body: (_) @body) @definition.impl
(protocol_declaration name: (_) @name body: (_) @body) @definition.interface
(function_declaration "func" . name: _ @name body: (_)? @body) @definition.function
(protocol_function_declaration "func" . name: _ @name) @definition.method
(init_declaration name: "init" @name body: (_)? @body) @definition.method
(deinit_declaration "deinit" @name body: (_) @body) @definition.method
(subscript_declaration "subscript" @name (computed_property)? @body) @definition.method
(typealias_declaration name: (type_identifier) @name) @definition.type
(associatedtype_declaration name: (type_identifier) @name) @definition.type
(enum_entry name: (simple_identifier) @name) @definition.field
(source_file (property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @declaration.constant)
(class_body (property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @declaration.field)
(enum_class_body (property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @declaration.field)
(property_declaration computed_value: (_) @body)
(protocol_property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @definition.field

(import_declaration (identifier) @import)

(call_expression . (simple_identifier) @reference)
(navigation_suffix suffix: (simple_identifier) @reference)
(navigation_expression target: (simple_identifier) @reference (#match? @reference "^[A-Z]"))
(prefix_expression target: (simple_identifier) @reference)
(user_type (type_identifier) @reference)

(comment) @comment
(multiline_comment) @comment
