; Bash and other Bourne shells.

(function_definition name: (word) @name body: (_) @body) @definition.function
(program (variable_assignment name: (variable_name) @name) @definition.constant)
(program (declaration_command (variable_assignment name: (variable_name) @name)) @definition.constant)

(command name: (command_name (word) @_source) . argument: (_) @import (#any-of? @_source "source" "."))

(command_name (word) @reference)
(simple_expansion (variable_name) @reference (#match? @reference "^[A-Z_]{3}"))
(expansion (variable_name) @reference (#match? @reference "^[A-Z_]{3}"))

(comment) @comment
