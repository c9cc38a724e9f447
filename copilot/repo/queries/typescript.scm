; TypeScript beyond what it shares with JavaScript.

(ambient_declaration [
  (abstract_class_declaration) (class_declaration) (enum_declaration) (function_signature) (interface_declaration)
  (internal_module) (lexical_declaration) (module) (type_alias_declaration) (variable_declaration)]) @outer.signature
(ambient_declaration [(lexical_declaration) (variable_declaration)] @outer.signature)

(abstract_class_declaration name: (_) @name body: (_) @body) @definition.class
(interface_declaration name: (_) @name body: (_) @body) @definition.interface
(enum_declaration name: (_) @name body: (_) @body) @definition.enum
(type_alias_declaration name: (_) @name) @definition.type
(internal_module name: (_) @name body: (_) @body) @definition.module
(module name: (_) @name body: (_) @body) @definition.module
(function_signature name: (_) @name) @definition.function
(method_signature name: (_) @name) @definition.method
(abstract_method_signature name: (_) @name) @definition.method
(interface_body (property_signature name: (_) @name) @definition.field)
(enum_body (property_identifier) @name @definition.field)
(enum_body (enum_assignment name: (_) @name) @definition.field)
(class_body (public_field_definition name: (_) @name value: (arrow_function body: (_) @body)) @definition.method)
(class_body (public_field_definition name: (_) @name) @definition.field)
(ambient_declaration (lexical_declaration (variable_declarator name: (identifier) @name) @definition.constant))
(ambient_declaration (variable_declaration (variable_declarator name: (identifier) @name) @definition.constant))

(import_require_clause source: (string) @import)

(type_identifier) @reference
(extends_clause value: (identifier) @reference)
(decorator (identifier) @reference)
