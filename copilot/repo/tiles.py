"""The pieces of a text that are looked at closely: the line around a place, or a tile of a very long line.

Tiles overlap, so that what is shorter than their overlap is whole in one of them. Knows offsets only.
"""

from collections.abc import Iterable

_TILE = 4096
_BEFORE = 512

Tile = tuple[int, int]
"""Offsets of the first character and behind the last."""


def tile_at(text: str, position: int) -> Tile:
    """The line that holds a position, without its newline; of a long line the part around it."""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    if end - start <= _TILE:
        return start, end
    first = start + (position - start) // _TILE * _TILE
    return max(start, first - _BEFORE), min(end, first + 2 * _TILE)


def tiles_with(text: str, literals: Iterable[str]) -> list[Tile]:
    """The tiles that hold one of the literals, in order, each once."""
    tiles: set[Tile] = set()
    for literal in literals:
        position = text.find(literal)
        while position >= 0:
            tile = tile_at(text, position)
            tiles.add(tile)
            behind = tile[1] if tile[1] - tile[0] <= _TILE else position + _BEFORE
            position = text.find(literal, max(behind, position + 1))
    return sorted(tiles)
