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
KOTLIN = frozenset(
    {
        "Any", "Boolean", "Double", "Float", "Int", "List", "Long", "Map", "Pair", "Set", "String", "Throwable",
        "Unit", "also", "apply", "arrayOf", "emptyList", "error", "forEach", "it", "let", "listOf", "map", "mapOf",
        "mutableListOf", "mutableMapOf", "println", "require", "run", "setOf", "to", "with",
    }
)  # fmt: skip
CSHARP = frozenset(
    {
        "Action", "Console", "Dictionary", "Exception", "Func", "IEnumerable", "List", "String", "Task",
        "ToString", "WriteLine", "nameof", "var",
    }
)  # fmt: skip
RUBY = frozenset(
    {
        "Array", "Float", "Hash", "Integer", "Object", "StandardError", "String", "Struct", "Symbol",
        "attr_accessor", "attr_reader", "attr_writer", "each", "extend", "freeze", "include", "join", "map", "new",
        "nil?", "puts", "raise", "require", "require_relative", "to_a", "to_s", "to_sym",
    }
)  # fmt: skip
PHP = frozenset(
    {
        "Exception", "array_filter", "array_key_exists", "array_keys", "array_map", "array_merge", "array_values",
        "count", "define", "empty", "explode", "implode", "in_array", "is_array", "is_null", "is_string", "isset",
        "parent", "self", "sprintf", "static", "str_replace", "strlen", "strpos", "strtolower", "substr", "trim",
    }
)  # fmt: skip
SWIFT = frozenset(
    {
        "Any", "Array", "Bool", "Character", "Dictionary", "Double", "Float", "Int", "Optional", "Set", "String",
        "Void", "append", "count", "fatalError", "filter", "first", "forEach", "isEmpty", "map", "print", "self",
    }
)  # fmt: skip
SCALA = frozenset(
    {
        "Any", "AnyRef", "Array", "Boolean", "Double", "Either", "Float", "Future", "Int", "Left", "List", "Long",
        "Map", "Nil", "None", "Nothing", "Option", "Right", "Seq", "Set", "Some", "String", "Unit", "Vector",
        "apply", "filter", "flatMap", "foldLeft", "foreach", "map", "println", "toList", "toString",
    }
)  # fmt: skip
BASH = frozenset(
    {
        "HOME", "PATH", "PWD", "awk", "basename", "break", "cat", "cd", "chmod", "chown", "command", "continue",
        "cp", "curl", "cut", "date", "declare", "dirname", "echo", "eval", "exec", "exit", "export", "false",
        "find", "getopts", "git", "grep", "head", "kill", "local", "ls", "mkdir", "mktemp", "mv", "popd", "printf",
        "pushd", "pwd", "read", "readonly", "return", "rm", "sed", "set", "shift", "sleep", "sort", "source",
        "sudo", "tail", "tar", "tee", "test", "touch", "tr", "trap", "true", "type", "umask", "uname", "uniq",
        "unset", "wait", "wc", "which", "xargs",
    }
)  # fmt: skip
LUA = frozenset(
    {
        "assert", "concat", "error", "getmetatable", "insert", "ipairs", "math", "next", "pairs", "pcall", "print",
        "rawget", "rawset", "remove", "require", "select", "self", "setmetatable", "string", "table", "tonumber",
        "tostring", "type", "unpack",
    }
)  # fmt: skip
SQL = frozenset(
    {
        "abs", "avg", "cast", "char", "coalesce", "concat", "count", "current_timestamp", "date", "decimal",
        "exists", "greatest", "in", "least", "length", "lower", "max", "min", "now", "nullif", "numeric", "over",
        "replace", "round", "row_number", "substring", "sum", "trim", "upper", "values", "varchar",
    }
)  # fmt: skip
