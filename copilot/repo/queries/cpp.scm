; C++ beyond what it shares with C.

(template_declaration) @outer.signature

(class_specifier name: (_) @name body: (_) @body) @definition.class
(namespace_definition name: (_) @name body: (_) @body) @definition.module
(alias_declaration name: (type_identifier) @name) @definition.type
(concept_definition name: (identifier) @name) @definition.type
(function_definition (default_method_clause) @body) @definition.function
(function_definition (delete_method_clause) @body) @definition.function
(field_declaration_list (field_declaration declarator: (function_declarator declarator: (field_identifier))) @definition.method)
(field_declaration_list (field_declaration declarator: (_ (function_declarator declarator: (field_identifier)))) @definition.method)
(field_declaration_list (field_declaration declarator: (function_declarator declarator: (operator_name))) @definition.method)
(field_declaration_list (field_declaration declarator: (_ (function_declarator declarator: (operator_name)))) @definition.method)
(declaration declarator: (reference_declarator (function_declarator))) @declaration.function
(function_declarator declarator: [(field_identifier) (qualified_identifier) (destructor_name) (operator_name)] @name)

(call_expression function: (qualified_identifier name: (identifier) @reference))
(call_expression function: (template_function name: (identifier) @reference))
(qualified_identifier name: (qualified_identifier name: (identifier) @reference))
(base_class_clause (qualified_identifier name: (type_identifier) @reference))
