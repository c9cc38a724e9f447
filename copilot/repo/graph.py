"""The symbol graph: which file uses names that another file defines, and the PageRank of the files in it.

Works on name hashes and counts; knows no paths, no roles, no index.
"""

import math
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import rustworkx

DAMPING = 0.85
MOST_DEFINERS = 8
"""A name that more files define says nothing about any of them."""

_ENTRY = struct.Struct("<Qf")
_BYTES_PER_USE = 10
_ROOTS = [math.sqrt(count) for count in range(64)]


class Node(NamedTuple):
    """One file's side of the graph, as `content.pack_defines` and `pack_refers` wrote it."""

    defines: bytes
    refers: bytes
    weight: float
    """How much this file's uses count, and how likely a reader starts here."""


class Standing(NamedTuple):
    """What the graph says of one file."""

    score: float
    """PageRank; all scores sum to 1."""
    symbols_used: int
    """Names it defines that other files use."""
    users: int
    """Files that use any of them."""


def standings(nodes: Sequence[Node]) -> list[Standing]:
    """Rank all files. The result depends on nothing but `nodes` and their order."""
    definers = _shares(_definers(nodes))
    edges: list[tuple[int, int, float]] = []
    users = [0] * len(nodes)
    used: set[int] = set()
    for source, node in enumerate(nodes):
        towards: dict[int, float] = {}
        for key, count in _uses(node.refers):
            targets = definers.get(key)
            # A name the file defines itself is its own, whoever else defines it too.
            if targets is None or source in targets:
                continue
            used.add(key)
            root = _ROOTS[count] if count < len(_ROOTS) else math.sqrt(count)
            for target, share in targets.items():
                towards[target] = towards.get(target, 0.0) + root * share
        for target in sorted(towards):
            users[target] += 1
            edges.append((source, target, towards[target] * node.weight))
    symbols = [0] * len(nodes)
    for key in used:
        for target in definers[key]:
            symbols[target] += 1
    scores = _page_rank(nodes, edges)
    return [Standing(*row) for row in zip(scores, symbols, users, strict=True)]


def _definers(nodes: Sequence[Node]) -> dict[int, dict[int, float]]:
    """Name hash -> {file: how surely a use means its definition}."""
    definers: dict[int, dict[int, float]] = {}
    for number, node in enumerate(nodes):
        for key, weight in _ENTRY.iter_unpack(node.defines):
            files = definers.get(key)
            if files is None:
                definers[key] = {number: weight}
            else:
                files[number] = weight
    return definers


def _shares(definers: dict[int, dict[int, float]]) -> dict[int, dict[int, float]]:
    """The same, each definition's weight divided among all of the name; without names that too many files define."""
    return {
        key: {file: weight / len(files) for file, weight in files.items()} if len(files) > 1 else files
        for key, files in definers.items()
        if len(files) <= MOST_DEFINERS
    }


def _uses(refers: bytes) -> Iterator[tuple[int, int]]:
    size = len(refers) // _BYTES_PER_USE
    hashes = struct.unpack_from(f"<{size}Q", refers)
    return zip(hashes, struct.unpack_from(f"<{size}H", refers, 8 * size), strict=True)


def _page_rank(nodes: Sequence[Node], edges: list[tuple[int, int, float]]) -> list[float]:
    if not nodes:
        return []
    graph: rustworkx.PyDiGraph[int, float] = rustworkx.PyDiGraph(multigraph=False)
    graph.add_nodes_from(range(len(nodes)))
    graph.add_edges_from(edges)
    start = {number: node.weight for number, node in enumerate(nodes)}
    scores = rustworkx.pagerank(graph, alpha=DAMPING, weight_fn=float, personalization=start, tol=1e-9, max_iter=1000)
    return [scores[number] for number in range(len(nodes))]
