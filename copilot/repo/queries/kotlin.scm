; Kotlin. An extension function has the type it extends as its parent.

(class_declaration . "class" name: (identifier) @name) @definition.class
(class_declaration . (modifiers) @_kind "class" name: (identifier) @name (#not-match? @_kind "\\benum\\b")) @definition.class
(class_declaration . (modifiers) @_kind "class" name: (identifier) @name (#match? @_kind "\\benum\\b")) @definition.enum
(class_declaration "interface" name: (identifier) @name) @definition.interface
(class_declaration [(class_body) (enum_class_body)] @body)
(infix_expression . (identifier) @_modifier . (identifier) @_class . (identifier) @name .
  (#any-of? @_modifier "annotation" "data" "enum" "value") (#eq? @_class "class")) @definition.class
(companion_object "companion" @name (class_body) @body) @definition.class
(object_declaration name: (identifier) @name (class_body)? @body) @definition.class
(function_declaration name: (identifier) @name (function_body)? @body) @definition.function
(function_declaration (user_type . (identifier) @receiver) "." name: (identifier))
(secondary_constructor "constructor" @name (block)? @body) @definition.method
(type_alias type: (identifier) @name) @definition.type
(enum_entry (identifier) @name (class_body)? @body) @definition.field
(source_file (property_declaration (variable_declaration (identifier) @name)) @declaration.constant)
(class_body (property_declaration (variable_declaration (identifier) @name)) @declaration.field)
(enum_class_body (property_declaration (variable_declaration (identifier) @name)) @declaration.field)
(property_declaration [(getter) (setter)] @body)

(import (qualified_identifier) @import)
(import (qualified_identifier (identifier) @reference .))

(call_expression . (identifier) @reference)
(navigation_expression (_) (identifier) @reference .)
(navigation_expression . (identifier) @reference (#match? @reference "^[A-Z]"))
(callable_reference (identifier) @reference)
(infix_expression (_) . (identifier) @reference)
(user_type (identifier) @reference)

(line_comment) @comment
(block_comment) @comment
