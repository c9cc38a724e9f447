; What JavaScript and TypeScript share.

(export_statement) @outer.signature
(program [(lexical_declaration) (variable_declaration)] @outer.signature)
(export_statement [(lexical_declaration) (variable_declaration)] @outer.signature)

(class_declaration name: (_) @name body: (_) @body) @definition.class
(function_declaration name: (_) @name body: (_) @body) @definition.function
(generator_function_declaration name: (_) @name body: (_) @body) @definition.function
(method_definition name: (_) @name body: (_) @body) @definition.method

(variable_declarator name: (identifier) @name value: (arrow_function body: (_) @body)) @definition.function
(variable_declarator name: (identifier) @name value: (function_expression body: (_) @body)) @definition.function
(variable_declarator name: (identifier) @name value: (class body: (_) @body)) @definition.class
(program [(lexical_declaration (variable_declarator name: (identifier) @name) @definition.constant)
          (variable_declaration (variable_declarator name: (identifier) @name) @definition.constant)])
(export_statement (lexical_declaration (variable_declarator name: (identifier) @name) @definition.constant))
(program (expression_statement (assignment_expression
  left: (member_expression property: (property_identifier) @name)
  right: [(function_expression body: (_) @body) (arrow_function body: (_) @body)]) @definition.function))
(program (expression_statement (assignment_expression
  left: (member_expression property: (property_identifier) @name)
  right: (class body: (_) @body)) @definition.class))

(import_statement source: (string) @import)
(export_statement source: (string) @import)
(call_expression function: (identifier) @_require arguments: (arguments . (string) @import) (#eq? @_require "require"))
(call_expression function: (import) arguments: (arguments . (string) @import))

(import_specifier name: (identifier) @reference)
(export_specifier name: (identifier) @reference)
(call_expression function: (identifier) @reference)
(member_expression property: (property_identifier) @reference)
(new_expression constructor: (identifier) @reference)

(comment) @comment
