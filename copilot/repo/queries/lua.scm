; Lua. What is assigned to a field of a table has the table as its parent.

(function_declaration name: (identifier) @name body: (_)? @body) @definition.function
(function_declaration name: (dot_index_expression table: (_) @receiver field: (identifier) @name) body: (_)? @body) @definition.method
(function_declaration name: (method_index_expression table: (_) @receiver method: (identifier) @name) body: (_)? @body) @definition.method
(chunk (variable_declaration) @outer.signature)
(assignment_statement (variable_list . name: (dot_index_expression table: (_) @receiver field: (identifier) @name))
  (expression_list . value: (function_definition body: (_)? @body))) @definition.method
(assignment_statement (variable_list . name: (identifier) @name)
  (expression_list . value: (function_definition body: (_)? @body))) @definition.function
(field name: (identifier) @name value: (function_definition body: (_)? @body)) @definition.function
(chunk (variable_declaration (assignment_statement (variable_list . name: (identifier) @name)) @definition.constant))
(chunk (assignment_statement (variable_list . name: (identifier) @name)) @definition.constant)
(assignment_statement (expression_list . value: (table_constructor) @body))

(function_call name: (identifier) @_require arguments: (arguments . (string) @import) (#eq? @_require "require"))

(function_call name: (identifier) @reference)
(dot_index_expression field: (identifier) @reference)
(method_index_expression method: (identifier) @reference)

(comment) @comment
