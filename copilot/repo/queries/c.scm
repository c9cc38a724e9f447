; C beyond what it shares with C++: nothing so far but prototypes behind two stars.

(declaration declarator: (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator)))) @declaration.function
