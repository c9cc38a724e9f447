"""Names that languages themselves provide: using one says nothing about a repository.

Not complete and need not be: these are the frequent ones. Does not know: grammars, which names a text defines.
"""

PYTHON = frozenset(
    {
        "AttributeError", "Exception", "IndexError", "KeyError", "NotImplementedError", "OSError", "RuntimeError",
        "StopIteration", "TypeError", "ValueError", "all", "any", "bool", "bytes", "callable", "classmethod", "cls",
        "dict", "enumerate", "float", "getattr", "hasattr", "id", "int", "isinstance", "issubclass", "iter", "len",
        "list", "map", "max", "min", "next", "object", "open", "print", "property", "range", "repr", "reversed",
        "self", "set", "setattr", "sorted", "staticmethod", "str", "sum", "super", "tuple", "type", "zip",
    }
)  # fmt: skip
JAVASCRIPT = frozenset(
    {
        "Array", "Boolean", "Date", "Error", "JSON", "Map", "Math", "Number", "Object", "Promise", "RegExp", "Set",
        "String", "Symbol", "console", "document", "exports", "length", "log", "module", "prototype", "require",
        "undefined", "window",
    }
)  # fmt: skip
GO = frozenset(
    {
        "any", "append", "bool", "byte", "cap", "clear", "close", "complex128", "complex64", "copy", "delete",
        "error", "float32", "float64", "int", "int16", "int32", "int64", "int8", "len", "make", "max", "min", "new",
        "panic", "print", "println", "recover", "rune", "string", "uint", "uint16", "uint32", "uint64", "uint8",
        "uintptr",
    }
)  # fmt: skip
RUST = frozenset(
    {
        "Box", "Err", "None", "Ok", "Option", "Result", "Self", "Some", "String", "Vec", "assert", "assert_eq",
        "clone", "expect", "format", "into", "iter", "new", "panic", "println", "unwrap", "vec",
    }
)  # fmt: skip
JAVA = frozenset(
    {
        "Boolean", "Double", "Integer", "List", "Long", "Map", "Object", "Override", "Set", "String", "System",
        "out", "println",
    }
)  # fmt: skip
C = frozenset(
    {
        "NULL", "int16_t", "int32_t", "int64_t", "int8_t", "size_t", "ssize_t", "std", "uint16_t", "uint32_t",
        "uint64_t", "uint8_t", "uintptr_t",
    }
)  # fmt: skip
