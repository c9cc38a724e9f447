"""What became of the suggestions that were shown: taken, typed along, or left.

A client tells by a command that a suggestion was taken; for those that do not, the text tells. Does not know: messages.
"""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Shown = TypeVar("Shown")
Verdict = Literal["accepted", "rejected"]


@dataclass(frozen=True, slots=True)
class Offer(Generic[Shown]):
    """One suggestion in one document."""

    number: int
    uri: str
    before: str
    """The text before the cursor when it was shown."""
    text: str
    shown: Shown


class Offers(Generic[Shown]):
    """The suggestion that was shown last, until it is known what became of it."""

    def __init__(self) -> None:
        self._number = 0
        self._open: Offer[Shown] | None = None

    def add(self, uri: str, before: str, text: str, shown: Shown) -> Offer[Shown]:
        """A suggestion is shown; the one before has been judged."""
        self._number += 1
        self._open = Offer(self._number, uri, before, text, shown)
        return self._open

    def accept(self, number: int | None = None) -> Offer[Shown] | None:
        """The client says that it was taken; the offer, unless that is known or another one is meant."""
        taken = self._open
        if taken is None or number not in (None, taken.number):
            return None
        self._open = None
        return taken

    def judge(self, uri: str, before: str) -> tuple[Offer[Shown], Verdict] | None:
        """What the text before the cursor says of the open offer; None where it says nothing yet."""
        offer = self._open
        if offer is None:
            return None
        whole = offer.before + offer.text
        if uri == offer.uri and before.startswith(whole):
            self._open = None
            return offer, "accepted"
        if uri == offer.uri and whole.startswith(before) and len(before) >= len(offer.before):
            return None
        self._open = None
        return offer, "rejected"
