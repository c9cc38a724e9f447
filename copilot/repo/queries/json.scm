; JSON: the keys of the outermost object, and the keys of the objects in it.

(document (object (pair key: (string) @name) @definition.key))
(document (object (pair value: (object (pair key: (string) @name) @definition.key))))

(comment) @comment
