; JavaScript beyond the shared part.

(class_body (field_definition property: (_) @name value: (arrow_function body: (_) @body)) @definition.method)
(class_body (field_definition property: (_) @name) @definition.field)
(class_heritage (identifier) @reference)
(class_heritage (member_expression property: (property_identifier) @reference))
