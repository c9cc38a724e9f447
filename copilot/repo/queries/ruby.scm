; Ruby. Macros of class bodies that make methods are fields under the first name they are given.

(module name: (_) @name body: (_)? @body) @definition.module
(class name: (_) @name body: (_)? @body) @definition.class
(method name: (_) @name body: (_)? @body) @definition.function
(singleton_method name: (_) @name body: (_)? @body) @definition.method
(alias name: (_) @name) @definition.method
(assignment left: (constant) @name) @declaration.constant
(body_statement (call !receiver method: (identifier) @_macro arguments: (argument_list . (simple_symbol) @name)
  (#any-of? @_macro "attr_accessor" "attr_reader" "attr_writer" "alias_method" "define_method" "scope"
    "belongs_to" "has_and_belongs_to_many" "has_many" "has_one")) @declaration.field)

(call !receiver method: (identifier) @_require arguments: (argument_list . (string) @import)
  (#any-of? @_require "require" "require_relative" "load"))

(call method: (identifier) @reference)
(constant) @reference

(comment) @comment
