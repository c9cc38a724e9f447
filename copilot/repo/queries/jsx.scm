; Components used in markup; lower-case names are elements of HTML and are no identifiers here in most grammars.

(jsx_opening_element name: (identifier) @reference)
(jsx_self_closing_element name: (identifier) @reference)
