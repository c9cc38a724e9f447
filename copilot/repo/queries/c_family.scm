; What C and C++ share. A function's name is the first plain declarator inside it.

(function_definition body: (_) @body) @definition.function
(declaration declarator: (function_declarator)) @declaration.function
(declaration declarator: (pointer_declarator declarator: (function_declarator))) @declaration.function
(function_declarator declarator: (identifier) @name)

(struct_specifier name: (_) @name body: (_) @body) @definition.struct
(union_specifier name: (_) @name body: (_) @body) @definition.struct
(enum_specifier name: (_) @name body: (_) @body) @definition.enum
(enumerator name: (identifier) @name) @declaration.field

(type_definition type: (struct_specifier !name body: (_) @body) declarator: (type_identifier) @name) @definition.struct
(type_definition type: (union_specifier !name body: (_) @body) declarator: (type_identifier) @name) @definition.struct
(type_definition type: (enum_specifier !name body: (_) @body) declarator: (type_identifier) @name) @definition.enum
(type_definition type: [(struct_specifier name: (_) @_tag) (union_specifier name: (_) @_tag) (enum_specifier name: (_) @_tag)]
  declarator: (type_identifier) @name (#not-eq? @_tag @name)) @definition.type
(type_definition type: [(type_identifier) (primitive_type) (sized_type_specifier)]
  declarator: (type_identifier) @name) @definition.type
(type_definition declarator: (pointer_declarator declarator: (type_identifier) @name)) @definition.type
(type_definition declarator: (function_declarator
  declarator: (parenthesized_declarator (pointer_declarator declarator: (type_identifier) @name)))) @definition.type

(field_declaration_list (field_declaration) @declaration.field)
(field_declaration declarator: (field_identifier) @name)
(field_declaration declarator: (pointer_declarator declarator: (field_identifier) @name))
(field_declaration declarator: (array_declarator declarator: (field_identifier) @name))
(field_declaration declarator: (pointer_declarator declarator: (array_declarator declarator: (field_identifier) @name)))
(field_declaration declarator: (pointer_declarator declarator: (pointer_declarator declarator: (field_identifier) @name)))
(field_declaration declarator: (function_declarator
  declarator: (parenthesized_declarator (pointer_declarator declarator: (field_identifier) @name))))

(declaration declarator: (init_declarator declarator: (identifier) @name)) @declaration.constant
(declaration declarator: (init_declarator declarator: (array_declarator declarator: (identifier) @name))) @declaration.constant
(declaration declarator: (init_declarator declarator: (pointer_declarator declarator: (identifier) @name))) @declaration.constant
(declaration declarator: (init_declarator
  declarator: (pointer_declarator declarator: (array_declarator declarator: (identifier) @name)))) @declaration.constant
(declaration declarator: (identifier) @name) @declaration.constant

(preproc_def name: (identifier) @name value: (_)) @definition.macro
(preproc_function_def name: (identifier) @name value: (_)? @body) @definition.macro

(preproc_include path: (_) @import)

(call_expression function: (identifier) @reference)
(field_expression field: (field_identifier) @reference)
(type_identifier) @reference

(comment) @comment
