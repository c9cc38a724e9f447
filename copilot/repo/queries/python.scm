; Python. Names are documented in README.md of this folder.

(decorated_definition) @outer

(class_definition name: (identifier) @name body: (block) @body) @definition.class
(function_definition name: (identifier) @name body: (block) @body) @definition.function
(class_definition body: (block . (expression_statement (string) @doc)))
(function_definition body: (block . (expression_statement (string) @doc)))
(type_alias_statement left: (type (identifier) @name)) @definition.type

(module (expression_statement (assignment left: (identifier) @name) @definition.constant))
(class_definition body: (block (expression_statement
  (assignment left: (identifier) @name type: (type)) @definition.field)))
(class_definition body: (block (expression_statement
  (assignment left: (identifier) @name right: (call)) @definition.field)))
(class_definition body: (block (expression_statement
  (assignment left: (identifier) @name right: [(integer) (string) (tuple) (list) (dictionary)]) @definition.constant)))

(import_statement name: (dotted_name) @import)
(import_statement name: (aliased_import name: (dotted_name) @import))
(import_from_statement module_name: (_) @import)
(import_from_statement name: (dotted_name (identifier) @reference))
(import_from_statement name: (aliased_import name: (dotted_name (identifier) @reference)))

(call function: (identifier) @reference)
(attribute attribute: (identifier) @reference)
(decorator (identifier) @reference)
(class_definition superclasses: (argument_list (identifier) @reference))
(type (identifier) @reference)
(type (binary_operator (identifier) @reference))
(generic_type (identifier) @reference)
(except_clause (identifier) @reference)

(comment) @comment
