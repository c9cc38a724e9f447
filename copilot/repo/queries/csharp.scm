; C#. A namespace without braces holds the file, but not in the tree: it is a definition of its own.

(namespace_declaration name: (_) @name body: (_) @body) @definition.module
(file_scoped_namespace_declaration name: (_) @name) @definition.module
(class_declaration name: (identifier) @name body: (_)? @body) @definition.class
(record_declaration name: (identifier) @name body: (_)? @body) @definition.class
(struct_declaration name: (identifier) @name body: (_)? @body) @definition.struct
(interface_declaration name: (identifier) @name body: (_)? @body) @definition.interface
(enum_declaration name: (identifier) @name body: (_)? @body) @definition.enum
(delegate_declaration name: (identifier) @name) @definition.type
(method_declaration name: (identifier) @name body: (_)? @body) @definition.method
(constructor_declaration name: (identifier) @name body: (_)? @body) @definition.method
(destructor_declaration name: (identifier) @name body: (_)? @body) @definition.method
(operator_declaration operator: _ @name body: (_)? @body) @definition.method
(conversion_operator_declaration type: (_) @name body: (_)? @body) @definition.method
(indexer_declaration "this" @name accessors: (_)? @body value: (_)? @body) @definition.method
(local_function_statement name: (identifier) @name body: (_)? @body) @definition.function
(property_declaration name: (identifier) @name accessors: (_)? @body value: (_)? @body) @definition.field
(field_declaration (modifier) @_modifier
  (variable_declaration (variable_declarator name: (identifier) @name)) (#eq? @_modifier "const")) @definition.constant
(field_declaration (variable_declaration (variable_declarator name: (identifier) @name))) @definition.field
(event_field_declaration (variable_declaration (variable_declarator name: (identifier) @name))) @definition.field
(event_declaration name: (identifier) @name accessors: (_)? @body) @definition.field
(enum_member_declaration name: (identifier) @name) @definition.field

(using_directive [(qualified_name) (identifier)] @import .)

(invocation_expression function: (identifier) @reference)
(member_access_expression name: (identifier) @reference)
(member_access_expression expression: (identifier) @reference (#match? @reference "^[A-Z]"))
(member_binding_expression name: (identifier) @reference)
(generic_name (identifier) @reference)
(qualified_name name: (identifier) @reference)
(attribute name: (identifier) @reference)
(base_list (identifier) @reference)
(type_argument_list (identifier) @reference)
(_ type: (identifier) @reference)
(_ returns: (identifier) @reference)

(comment) @comment
