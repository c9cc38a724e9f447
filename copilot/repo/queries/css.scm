; CSS: rules by their selectors, at-rules, custom properties.

(rule_set (selectors) @name (block) @body) @definition.rule
(media_statement . "@media" @name (block) @body) @definition.rule
(supports_statement . "@supports" @name (block) @body) @definition.rule
(at_rule (at_keyword) @name (block)? @body) @definition.rule
(keyframes_statement (keyframes_name) @name (keyframe_block_list) @body) @definition.rule
(declaration (property_name) @name (#match? @name "^--")) @definition.constant

(import_statement (string_value) @import)
(import_statement (call_expression (arguments (string_value) @import)))

(call_expression (function_name) @_var (arguments . (plain_value) @reference) (#eq? @_var "var"))

(comment) @comment
