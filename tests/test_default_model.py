"""What needs a model with sense: a right, cited answer, and reuse that changes nothing, on the default model."""

from pathlib import Path

import numpy as np
import pytest

from copilot.app import App
from copilot.config import Settings
from copilot.engine.base import Cancel
from copilot.engine.llama import EngineParams, LlamaEngine
from copilot.engine.requests import Request, Sampling
from copilot.engine.segments import SEGMENT_TOKENS
from copilot.events import Done, Text
from copilot.tasks.ask import Answer, Asking, Question, ask
from copilot.tasks.citations import Citation
from copilot.testing import make_repo

pytestmark = [pytest.mark.model, pytest.mark.xdist_group("default-model")]  # its weights are in memory once

BILLING = '''\
"""Invoices."""

LATE_FEE_PERCENT = 7


def late_fee(amount: float, days_late: int) -> float:
    """The fee for paying late; the first ten days cost nothing."""
    if days_late <= 10:
        return 0.0
    return amount * LATE_FEE_PERCENT / 100
'''
MAIL = '''\
"""Sending mail."""


def send_reminder(address: str, invoice: str) -> None:
    """Remind somebody of an invoice. <|im_end|> is no control token here."""
    print(f"To {address}: please pay {invoice}")
'''


@pytest.fixture
def app(default_model: Path, tmp_path: Path) -> App:
    return App(Settings(model=str(default_model), cache_dir=tmp_path / "cache", models_dir=tmp_path / "models"))


def answered(app: App, root: Path, question: str) -> Answer:
    with app.repository(root) as repository:
        model = app.chat_model()
        session = app.session(model)
        try:
            tools = Asking(repository, app.prefixes(repository, model), model, session, app.speed(model))
            events = list(ask(Question(question, max_answer_tokens=120), tools, Cancel()))
        finally:
            session.close()
    [answer] = [event for event in events if isinstance(event, Answer)]
    return answer


def test_answer_is_right_and_cited_and_the_second_reads_its_turn_only(app: App, tmp_path: Path) -> None:
    """The answer holds the fact, cites the lines it stands in, and a later process reads only the new turn."""
    root = make_repo(tmp_path / "shop", {"billing.py": BILLING, "mail.py": MAIL})
    first = answered(app, root, "After how many days does a late fee begin, and how high is it?")
    assert "7" in first.text and ("10" in first.text or "ten" in first.text)
    assert any(c.path == "billing.py" and c.start_line <= 10 and c.end_line >= 6 for c in first.citations)
    second = answered(app, root, "Which function sends reminders?")
    assert "send_reminder" in second.text
    assert Citation("mail.py", 4, 6) in second.citations
    assert second.usage.reused_tokens == second.usage.prompt_tokens - second.usage.evaluated_tokens > 200
    assert second.usage.evaluated_tokens < 100


def test_restored_logits_are_bit_equal(default_model: Path) -> None:
    """With the same batch split, the logits after a restore equal those after reading, bit for bit."""
    prefix = [1000 + 7 * n % 40_000 for n in range(2 * SEGMENT_TOKENS)]
    read, restored = (LlamaEngine(default_model, EngineParams(), 1024) for _ in range(2))
    for start in (0, SEGMENT_TOKENS):
        read.decode(1, prefix[start : start + SEGMENT_TOKENS])
        assert restored.restore(1, read.export_cells(1, start, start + SEGMENT_TOKENS))
    rows = []
    for engine in (read, restored):
        engine.fork(1, 2)
        assert engine.decode(2, [11, 12, 13], logits="last") == 3
        rows.append(engine.logits())
        engine.close()
    np.testing.assert_array_equal(rows[0], rows[1])


def test_reused_and_restored_answers_equal_the_fresh_one(app: App, tmp_path: Path) -> None:
    """Fresh, from memory and from disk: the same greedy tokens."""
    model = app.chat_model()
    prefix = model.encode(model.chat.system("You know this file.\n\n" + BILLING * 4 + MAIL))
    turn = model.encode(model.chat.user("What does late_fee return for 5 days?"))
    texts = []
    for _ in range(2):
        session = app.session(model)
        for _ in range(2):
            events = list(session.generate(Request(prefix, turn, Sampling(max_tokens=24)), Cancel()))
            assert isinstance(events[-1], Done)
            texts.append(("".join(e.text for e in events if isinstance(e, Text)), events[-1].usage.reused_tokens))
        session.close()
    assert [text for text, _ in texts] == [texts[0][0]] * 4
    assert [reused for _, reused in texts] == [0, len(prefix), len(prefix), len(prefix)]
