; HTML: the title, headings, elements with an id, and the scripts and style sheets it loads.

(element . (start_tag (attribute . (attribute_name) @_id . (quoted_attribute_value (attribute_value) @name)))
  (#eq? @_id "id")) @definition.element
(element . (self_closing_tag (attribute . (attribute_name) @_id . (quoted_attribute_value (attribute_value) @name)))
  (#eq? @_id "id")) @definition.element
(element . (start_tag . (tag_name) @_tag) . (text) @name (#match? @_tag "^([hH][1-6]|title)$")) @definition.heading

(script_element . (start_tag (attribute . (attribute_name) @_src . (quoted_attribute_value (attribute_value) @import)))
  (#eq? @_src "src"))
(element . (start_tag . (tag_name) @_link (attribute . (attribute_name) @_href . (quoted_attribute_value (attribute_value) @import)))
  (#eq? @_link "link") (#eq? @_href "href"))

(start_tag . (tag_name) @reference (#match? @reference "-"))
(self_closing_tag . (tag_name) @reference (#match? @reference "-"))

(comment) @comment
