"""Which files are made from other files of the same repository, told from the names of both.

Scripts and declarations compiled from TypeScript, style sheets from preprocessors, parsers from grammars, protocol
code from its definition. Knows no content: what a file says of itself is `content.marks_of`.
"""

import re
from collections.abc import Iterable

_SOURCES = (
    (".d.ts", (".ts", ".tsx")), (".d.mts", (".mts",)), (".d.cts", (".cts",)),
    (".js", (".ts", ".tsx", ".coffee")), (".jsx", (".tsx",)), (".mjs", (".mts", ".ts")), (".cjs", (".cts", ".ts")),
    (".css", (".scss", ".sass", ".less", ".styl")),
    (".c", (".y", ".l", ".pyx")), (".cpp", (".pyx",)),
    ("_pb2.py", (".proto",)), ("_pb2.pyi", (".proto",)), ("_pb2_grpc.py", (".proto",)),
    (".pb.go", (".proto",)), ("_grpc.pb.go", (".proto",)), (".pb.cc", (".proto",)), (".pb.h", (".proto",)),
    ("_pb.js", (".proto",)), ("_pb.d.ts", (".proto",)), ("_pb.ts", (".proto",)),
)  # fmt: skip
"""Ending -> endings of what it may be made from, beside it."""
_ENDINGS = tuple(ending for ending, _ in _SOURCES)

_OUTPUT_FOLDER = re.compile(r"(^|/)(?:dist|lib|build|out|es|esm|cjs)/(?:(?:esm|cjs|es)/)?")


def made_from(paths: Iterable[str]) -> dict[str, str]:
    """Path -> the path it is made from, for the files that have such a source: beside them, or mirrored from `src/`."""
    present = frozenset(paths)
    found: dict[str, str] = {}
    for path in sorted(path for path in present if path.endswith(_ENDINGS)):
        source = _source(path, present)
        if source:
            found[path] = source
    return found


def _source(path: str, present: frozenset[str]) -> str | None:
    for ending, sources in _SOURCES:
        if path.endswith(ending):
            stem = path.removesuffix(ending)
            for place in (stem, _OUTPUT_FOLDER.sub(r"\1src/", stem, count=1)):
                for other in sources:
                    if place + other in present and place + other != path:
                        return place + other
    return None
