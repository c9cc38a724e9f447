"""The symbol graph: which file uses names that another file defines, and the PageRank of the files in it.

Works on name hashes and counts; knows no paths, no roles, no index.
"""

import math
import struct
from collections.abc import Container, Sequence
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
    uses = [_uses(node.refers) for node in nodes]
    definers = _definers(nodes, set().union(*(names for names, _ in uses)))
    edges: list[tuple[int, int, float]] = []
    used: set[int] = set()
    for source, (names, counts) in enumerate(uses):
        towards: dict[int, float] = {}
        for name, targets, count in zip(names, map(definers.get, names), counts, strict=True):
            # A name the file defines itself is its own, whoever else defines it too.
            if targets is None or source in targets:
                continue
            used.add(name)
            root = _ROOTS[count] if count < len(_ROOTS) else math.sqrt(count)
            for target, share in targets.items():
                towards[target] = towards.get(target, 0.0) + root * share
        weight = nodes[source].weight
        edges += [(source, target, sum_of_uses * weight) for target, sum_of_uses in towards.items()]
    users, symbols = [0] * len(nodes), [0] * len(nodes)
    for _, target, _ in edges:
        users[target] += 1
    for name in used:
        for target in definers[name]:
            symbols[target] += 1
    scores = _page_rank(nodes, edges)
    return [Standing(*row) for row in zip(scores, symbols, users, strict=True)]


def _definers(nodes: Sequence[Node], wanted: Container[int]) -> dict[int, dict[int, float]]:
    """Wanted name -> {file: how surely a use means its definition}; without names that too many files define.

    The weight of each definition is divided among all of the name.
    """
    definers: dict[int, dict[int, float]] = {}
    for number, node in enumerate(nodes):
        for name, weight in _ENTRY.iter_unpack(node.defines):
            if name in wanted:
                if name in definers:
                    definers[name][number] = weight
                else:
                    definers[name] = {number: weight}
    for name in [name for name, files in definers.items() if len(files) > 1]:
        files = definers[name]
        if len(files) > MOST_DEFINERS:
            del definers[name]
        else:
            definers[name] = {file: weight / len(files) for file, weight in files.items()}
    return definers


def _uses(refers: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Hashes of the names that a file uses, and how often each."""
    size = len(refers) // _BYTES_PER_USE
    return struct.unpack_from(f"<{size}Q", refers), struct.unpack_from(f"<{size}H", refers, 8 * size)


def _page_rank(nodes: Sequence[Node], edges: list[tuple[int, int, float]]) -> list[float]:
    if not nodes:
        return []
    graph: rustworkx.PyDiGraph[int, float] = rustworkx.PyDiGraph()
    graph.add_nodes_from(range(len(nodes)))
    graph.add_edges_from(edges)
    start = {number: node.weight for number, node in enumerate(nodes)}
    scores = rustworkx.pagerank(graph, alpha=DAMPING, weight_fn=float, personalization=start, tol=1e-9, max_iter=1000)
    return [scores[number] for number in range(len(nodes))]
