; PHP. A namespace without braces holds the file, but not in the tree: it is a definition of its own.

(namespace_definition name: (_) @name body: (_)? @body) @definition.module
(class_declaration name: (name) @name body: (_) @body) @definition.class
(interface_declaration name: (name) @name body: (_) @body) @definition.interface
(trait_declaration name: (name) @name body: (_) @body) @definition.trait
(enum_declaration name: (name) @name body: (_) @body) @definition.enum
(function_definition name: (name) @name body: (_) @body) @definition.function
(method_declaration name: (name) @name body: (_)? @body) @definition.method
(property_declaration (property_element name: (variable_name (name) @name))) @definition.field
(const_declaration (const_element . (name) @name)) @definition.constant
(enum_case name: (name) @name) @definition.field
(program (expression_statement (function_call_expression function: (name) @_define
  arguments: (arguments . (argument (string (string_content) @name)))) (#eq? @_define "define")) @definition.constant)

(namespace_use_declaration (namespace_use_clause . [(qualified_name) (name)] @import))
(namespace_use_declaration (namespace_name) @import)
([(require_expression (string) @import) (require_once_expression (string) @import)
  (include_expression (string) @import) (include_once_expression (string) @import)])
([(require_expression (binary_expression right: (string) @import))
  (require_once_expression (binary_expression right: (string) @import))
  (include_expression (binary_expression right: (string) @import))
  (include_once_expression (binary_expression right: (string) @import))])

(namespace_use_clause (qualified_name (name) @reference))
(namespace_use_clause . (name) @reference)
(function_call_expression function: (name) @reference)
(function_call_expression function: (qualified_name (name) @reference))
(member_call_expression name: (name) @reference)
(nullsafe_member_call_expression name: (name) @reference)
(member_access_expression name: (name) @reference)
(scoped_call_expression scope: (name) @reference)
(scoped_call_expression name: (name) @reference)
(class_constant_access_expression (name) @reference)
(object_creation_expression (name) @reference)
(object_creation_expression (qualified_name (name) @reference))
(named_type [(name) @reference (qualified_name (name) @reference)])
(base_clause [(name) @reference (qualified_name (name) @reference)])
(class_interface_clause [(name) @reference (qualified_name (name) @reference)])
(use_declaration [(name) @reference (qualified_name (name) @reference)])
(attribute [(name) @reference (qualified_name (name) @reference)])
(binary_expression operator: "instanceof" right: (name) @reference)

(comment) @comment
