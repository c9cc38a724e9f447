"""Bringing a prefix into a sequence: what another sequence holds, what is on disk, and reading the rest.

Every step stores what it read, so that a prefix is read once. Knows links and tokens; no turns and no answers.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from copilot.engine.base import Cancel, Engine
from copilot.engine.requests import Tokens
from copilot.engine.segments import Link, SegmentStore
from copilot.engine.sequences import Held, Lease, Sequences
from copilot.events import Progress

WINDOW_SHARE = 2
"""A windowed model keeps a window file, where it may start again, per so many times its size in segments."""

LEAST_TOGETHER = 32
"""A last link of fewer tokens is read alone: small batches are computed otherwise, and its rows must not depend on
where the reading began."""

TELL_EVERY_S = 600
"""How often a prefix that stays in memory is marked as used on disk, so that the quota takes others first."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One prefix on its way into a sequence."""

    prefix: Tokens
    links: list[Link]
    lease: Lease
    cancel: Cancel


def restorable(links: Sequence[Link], store: SegmentStore, *, windowed: bool) -> int:
    """Links that the stored chain gives back without reading."""
    n = 0
    for number, link in enumerate(links, 1):
        if not store.has(link):
            break
        if not windowed or store.has(link, "win"):
            n = number
    return n


class Reader:
    """Reads prefixes into the sequences of one engine."""

    def __init__(self, engine: Engine, sequences: Sequences, store: SegmentStore) -> None:
        self._engine = engine
        self._sequences = sequences
        self._store = store

    def start(self, reading: Reading) -> Held:
        """The sequence to read on, pinned: the one that was on the way already, a fork of the best, or a new one."""
        best, common = self._sequences.best(reading.links)
        if best is None:
            held = reading.lease.new()
        elif self.in_place(best, reading.links):
            held = reading.lease.pin(best)
        else:
            held = reading.lease.fork(best)
            self._sequences.cut(held, common)
        held.goal = reading.links[-1].key
        return held

    def in_place(self, held: Held, links: Sequence[Link]) -> bool:
        """Whether a prefix can be read on in this very sequence, without harm to others who use it."""
        if held.common(links) < len(held.links):
            return False
        if not held.pins or len(held.links) == len(links):
            return True
        # Restoring on a windowed cache would begin with throwing away what others need.
        behind = self._engine.windowed and restorable(links, self._store, windowed=True) > len(held.links)
        return held.goal == links[-1].key and not (behind and not held.restoring)

    def restore(self, held: Held, reading: Reading) -> Generator[Progress | None, None, None]:
        """Bring `held` as far as the disk allows; damaged files count as absent. Several jobs may do so together."""
        while self._wants_restoring(held, reading):
            if reading.cancel.is_set():
                self._leave(held)
                return
            link = reading.links[len(held.links)]
            cells = self._store.load(link)
            if cells is None or not self._engine.restore(held.seq, cells):
                self._store.reject(link, "kv")
                self._leave(held, damaged=True)
                continue
            self._add(held, link, reading.lease)
            if len(held.links) == held.restoring:
                self._leave(held, damaged=not self._has_window(held))
            yield Progress("restore", link.end, reading.links[-1].end, "tokens", link.end)

    def read(self, held: Held, reading: Reading) -> Iterator[None]:
        """Decode the rest, storing link by link; an aborted step is done again, in smaller ones, unless cancelled."""
        held.reading = True
        interrupted = False
        while len(held.links) < len(reading.links) and not reading.cancel.is_set():
            links = self._next(held, reading, alone=not (interrupted or self._sequences.shared))
            part = reading.prefix[links[0].start : links[-1].end]
            interrupted = self._engine.decode(held.seq, part) < len(part)
            if interrupted:
                self._sequences.cut(held, len(held.links))
            else:
                for link in links:
                    self._add(held, link, reading.lease)
                self._keep(held, links)
            yield

    def _next(self, held: Held, reading: Reading, *, alone: bool) -> list[Link]:
        """The links of the next decode: as many as it takes where nobody else works, else one, to let others in."""
        first = reading.links[len(held.links)]
        links = [first]
        for link in reading.links[len(held.links) + 1 :] if alone else ():
            if link.end - first.start > self._engine.n_batch or link.end - link.start < LEAST_TOGETHER:
                break
            links.append(link)
        return links

    def keep_recent(self, held: Held, reading: Reading) -> None:
        """Tell the store that the prefix is in use: after new files, and now and then while it is resident."""
        now = time.monotonic()
        if held.grown or now > held.told_at + TELL_EVERY_S:
            self._store.evict(reading.links)
            held.grown, held.told_at = False, now

    def _add(self, held: Held, link: Link, lease: Lease) -> None:
        held.links.append(link)
        held.grown = True
        lease.added(held, link.end - link.start)

    def _wants_restoring(self, held: Held, reading: Reading) -> bool:
        if held.restoring or held.reading:
            return held.restoring > 0
        target = restorable(reading.links, self._store, windowed=self._engine.windowed)
        if target <= len(held.links):
            return False
        if self._engine.windowed and held.links:  # window and rows must come from one place
            self._sequences.cut(held, 0)
        held.restoring = target
        return True

    def _leave(self, held: Held, *, damaged: bool = False) -> None:
        """End restoring; without its window or after damage, what was restored is of no use."""
        whole = len(held.links) == held.restoring or not self._engine.windowed
        held.restoring = 0
        if damaged or not whole or self._engine.length(held.seq) != held.end:
            self._sequences.cut(held, 0)

    def _has_window(self, held: Held) -> bool:
        """Give a restored sequence its window, where the model has one; False where that is damaged."""
        if not self._engine.windowed:
            return True
        link = held.links[-1]
        window = self._store.load(link, "win")
        if window is not None and self._engine.restore_window(held.seq, window):
            return True
        self._store.reject(link, "win")
        return False

    def _keep(self, held: Held, links: Sequence[Link]) -> None:
        """Store what was just read, with a window to restart from; the one before goes unless its turn was to stay."""
        for link in links:
            cells = self._engine.export_cells(held.seq, link.start, link.end)
            self._store.save(link, cells)
        if self._engine.windowed:
            window = self._engine.export_window(held.seq)
            self._store.save(links[-1], window, "win")
            if held.rolling:
                self._store.forget(held.rolling, "win")
            every = max(1, WINDOW_SHARE * len(window) // len(cells))
            held.rolling = None if len(held.links) % every < len(links) else links[-1]
