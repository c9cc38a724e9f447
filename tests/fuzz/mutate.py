"""Changes to bytes that find the corners of parsers; the same random numbers give the same changes."""

import random

INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
MAX_BYTES = 1 << 18


def mutated(content: bytes, others: list[bytes], words: tuple[bytes, ...], dice: random.Random) -> bytes:
    """A few random changes: bits, numbers, cuts, repeats, words of the format, and pieces of other inputs."""
    made = bytearray(content)
    for _ in range(1 + int(dice.expovariate(0.5))):
        at = _place(made, dice)
        match dice.randrange(9):
            case 0 if made:
                made[at % len(made)] ^= 1 << dice.randrange(8)
            case 1 if made:
                made[at % len(made)] = dice.randrange(256)
            case 2:
                size = dice.choice((1, 2, 4, 8))
                value = dice.choice(INTERESTING) & ((1 << 8 * size) - 1)
                made[at : at + size] = value.to_bytes(size, dice.choice(("little", "big")))
            case 3:
                del made[at : at + 1 + int(dice.expovariate(0.1))]
            case 4:
                made[at:at] = made[at : at + 1 + int(dice.expovariate(0.05))] * dice.choice((1, 2, 30))
            case 5:
                made[at:at] = dice.choice(words) * dice.choice((1, 1, 1, 2, 500))
            case 6:
                other = dice.choice(others)
                start = dice.randrange(len(other) + 1)
                made[at:at] = other[start : start + 1 + int(dice.expovariate(0.02))]
            case 7:
                del made[at:]
            case _:
                made[at:at] = dice.randbytes(1 + int(dice.expovariate(0.3)))
    return bytes(made[:MAX_BYTES])


def _place(made: bytearray, dice: random.Random) -> int:
    """Anywhere, more often near the start, where formats say what follows."""
    if dice.random() < 0.3:
        return dice.randrange(min(len(made), 256) + 1)
    return dice.randrange(len(made) + 1)
