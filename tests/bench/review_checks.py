"""How well a model answers the checks of a project: for each, a change that breaks it, one that keeps it, another one.

`python -m tests.bench.review_checks` puts them to the model the settings name and prints Markdown: how much likelier
the added lines are as a bad example of the check than as a good one, with a star where that is a finding. Knows nothing
of how a finding is told.
"""

import os
import sys
from pathlib import Path

from copilot.app import App
from copilot.engine.base import Cancel
from copilot.prompts import review as words
from copilot.tasks.model_review.asking import Asking
from copilot.tasks.model_review.checks import is_broken

CHECKS: dict[str, tuple[str, str, str, str]] = {
    "no-print": (
        "Code must not print to stdout with print(); it uses the module's logger.",
        "app/jobs.py",
        " def run(job):\n+    print('running', job.name)\n     job.start()",
        " def run(job):\n+    log.info('running %s', job.name)\n     job.start()",
    ),
    "no-raw-sql": (
        "SQL must not be put together with string formatting or concatenation. Values are passed as parameters.",
        "app/users.py",
        " def load(db, name):\n+    return db.execute(f\"SELECT * FROM users WHERE name = '{name}'\")",
        " def load(db, name):\n+    return db.execute('SELECT * FROM users WHERE name = ?', (name,))",
    ),
    "timeouts": (
        "Every call of requests.get or requests.post must pass a timeout.",
        "app/fetch.py",
        " def fetch(url):\n+    answer = requests.get(url, headers=HEADERS)\n     return answer.json()",
        " def fetch(url):\n+    answer = requests.get(url, headers=HEADERS, timeout=10)\n     return answer.json()",
    ),
    "no-any": (
        "TypeScript code must not use the type any.",
        "src/parse.ts",
        " export class Parser {\n+  parse(text: string): any {\n+    return JSON.parse(text);\n+  }",
        " export class Parser {\n+  parse(text: string): Document {\n+    return read(text);\n+  }",
    ),
    "errors-are-wrapped": (
        "Go code must wrap errors with fmt.Errorf and %w before it returns them; it must not return err alone.",
        "store/open.go",
        " \tfile, err := os.Open(path)\n \tif err != nil {\n+\t\treturn nil, err\n \t}",
        " \tfile, err := os.Open(path)\n \tif err != nil {\n"
        '+\t\treturn nil, fmt.Errorf("open %s: %w", path, err)\n \t}',
    ),
    "no-sleep-in-tests": (
        "Tests must not sleep. They wait for a condition instead.",
        "tests/test_server.py",
        " def test_it_starts(server):\n     server.start()\n+    time.sleep(2)\n     assert server.is_up",
        " def test_it_starts(server):\n     server.start()\n"
        "+    wait_until(lambda: server.is_up)\n     assert server.is_up",
    ),
    "todo-has-an-owner": (
        "A TODO comment must name a person in brackets, as in TODO(ana).",
        "lib/cache.c",
        " static int hits;\n+/* TODO: make this a setting */\n static int size = 100;",
        " static int hits;\n+/* TODO(ana): make this a setting */\n static int size = 100;",
    ),
    "public-functions-are-documented": (
        "Every new public Python function must have a docstring.",
        "app/shapes.py",
        "+def area(width, height):\n+    return width * height",
        '+def area(width, height):\n+    """The area of a rectangle."""\n+    return width * height',
    ),
}


def main() -> None:
    os.environ["COPILOT_HOST"] = "off"
    app = App.at(Path(), {})
    model = app.chat_model()
    session = app.session(model)
    asking = Asking(model, session, Cancel())

    def odds(name: str, rule: str, path: str, diff: str) -> list[float]:
        lines = diff.split("\n")
        bad, good = (
            asking.line_logprobs(words.example(name, rule, path, breaks=breaks), lines, words.EXAMPLE)
            for breaks in (True, False)
        )
        assert bad is not None and good is not None, "nothing cancels this"
        return [one - other for one, other, line in zip(bad, good, lines, strict=True) if line.startswith("+")]

    sys.stdout.write("| check | broken | kept | another change |\n|---|---|---|---|\n")
    names = list(CHECKS)
    for at, (name, (rule, path, broken, kept)) in enumerate(CHECKS.items()):
        _, other_path, _, other = CHECKS[names[(at + 3) % len(names)]]
        found = [odds(name, rule, path, broken), odds(name, rule, path, kept), odds(name, rule, other_path, other)]
        told = " | ".join(f"{sum(each):.1f}{'*' * is_broken(each)}" for each in found)
        sys.stdout.write(f"| {name} | {told} |\n")
        sys.stdout.flush()
    session.close()


if __name__ == "__main__":
    main()
