"""The repositories behind the client's documents: whose file a document is, and what answers for its repository.

Everything here may be used from any thread, but for a Repository, which stays in the thread that opened it.
Does not know: messages, documents' texts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from threading import Lock, Thread
from typing import TYPE_CHECKING

from copilot.app import App
from copilot.errors import CopilotError, RepositoryError
from copilot.events import Report
from copilot.files import private_folder, replace_file
from copilot.repo.root import find_root
from copilot.review.catalogue import Selection
from copilot.review.facts import Deadline
from copilot.tasks.repository import Repository
from copilot.tasks.review import Asked, Review, ReviewEvent, Subject, review, sources
from lsp.uris import path_of

if TYPE_CHECKING:  # they bring numpy and the tokenizer, which starting does without
    from copilot.app import Served
    from copilot.engine.base import Cancel, Session
    from copilot.tasks.ask import Asking
    from copilot.tasks.complete import Completer
    from copilot.tasks.model import ChatModel

OpenApp = Callable[[Path, Mapping[str, object]], App]
"""The App for the repository at a path, with the client's settings."""


class Sessions:
    """One session per model and parameters, however many repositories use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sessions: dict[tuple[object, ...], Session] = {}

    def get(self, app: App, model: "Served") -> "Session":
        settings = app.settings
        key = (model.card.path, model.n_ctx, settings.kv_type, settings.threads, settings.gpu_layers)
        with self._lock:
            if key not in self._sessions:
                self._sessions[key] = app.session(model)
            return self._sessions[key]

    def close(self) -> None:
        with self._lock:
            for session in self._sessions.values():
                session.close()
            self._sessions.clear()


@dataclass(frozen=True, slots=True)
class Models:
    """What a repository is served by."""

    names: str
    """The one that answers and, where it is another one, the one that completes."""
    trouble: str
    """Why nothing answers questions, "" if something does."""


class Project:
    """One repository: its App, and the model and session that answer for it."""

    def __init__(self, root: Path, app: App, sessions: Sessions) -> None:
        self.root = root
        self.app = app
        self._sessions = sessions
        self._lock = Lock()
        self._model: ChatModel | None = None

    @property
    def model(self) -> "ChatModel":
        """Found when first asked for, and again after it was not; a CopilotError says what is missing."""
        with self._lock:
            if self._model is None:
                self._model = self.app.chat_model()
            return self._model

    def models(self) -> Models:
        """The models that answer and complete here; a CopilotError where none completes."""
        completes = self.app.completion_model().card.name
        try:
            answers = self.model.card.name
        except CopilotError as error:
            return Models(completes, str(error))
        return Models(answers if answers == completes else f"{answers}, {completes}", "")

    @property
    def session(self) -> "Session":
        return self._sessions.get(self.app, self.model)

    @contextmanager
    def asking(self, report: Report) -> Iterator["Asking"]:
        """What answering works with; the repository is as it is now, and belongs to this thread."""
        from copilot.tasks.ask import Asking

        model = self.model
        with self.app.repository(self.root, report) as repository:
            prefixes = self.app.prefixes(repository, model)
            yield Asking(repository, prefixes, model, self.session, self.app.speed(model))

    def completer(self, repository: Repository) -> "Completer":
        """What completes in a repository, in the thread that opened it; ModelMissingError where nothing can."""
        model = self.app.completion_model()
        return self.app.completer(repository, model, self._sessions.get(self.app, model))

    def review(
        self,
        subject: Subject,
        selection: Selection,
        deadline: Deadline,
        tell: Callable[[ReviewEvent], None],
        cancel: "Cancel | None",
    ) -> Review:
        """Review a change; `tell` hears what is found and may raise to stop it. DiffError where there is none.

        The model is asked as well where there is a `cancel` to stop it with.
        """
        with closing(self.app.finding_cache()) as cache, ExitStack() as opened:
            asked = None
            if cancel is not None:
                asked = Asked(opened.enter_context(closing(self.app.desk(self.root))))
                cancel.when_set(asked.desk.cancel.set)
            looking = sources(selection, cache, asked)
            with closing(review(self.root, subject, looking, deadline)) as events:
                for event in events:
                    tell(event)
                    if isinstance(event, Review):
                        return event
        raise AssertionError("a review ends with a Review")

    def open(self, report: Report) -> Repository:
        return self.app.repository(self.root, report)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document stands."""

    project: Project | None
    """The repository to look into; None where there is none."""
    path: str
    """POSIX, relative to the root; "" for what is no file of it."""


class Projects:
    """The repositories of the client's folders, and of files it has open besides."""

    def __init__(self, open_app: OpenApp) -> None:
        self._open_app = open_app
        self._lock = Lock()
        self._folders: list[Path] = []
        self._flags: Mapping[str, object] = {}
        self._projects: dict[Path, Project] = {}
        self._sessions = Sessions()

    def set_folders(self, uris: Sequence[str]) -> None:
        """The client's workspace folders, in its order."""
        paths = [path for uri in uris if (path := path_of(uri)) is not None]
        with self._lock:
            self._folders = [path for path in dict.fromkeys(paths) if path.is_dir()]

    def change_folders(self, added: Sequence[str], removed: Sequence[str]) -> None:
        gone = {path_of(uri) for uri in removed}
        with self._lock:
            kept = [path for path in self._folders if path not in gone]
        self.set_folders([*(path.as_uri() for path in kept), *added])

    def configure(self, flags: Mapping[str, object]) -> None:
        """Use other settings from now on; what was made with the old ones is closed."""
        if flags == self._flags:
            return
        with self._lock:
            self._flags = dict(flags)
            self._projects.clear()
            old, self._sessions = self._sessions, Sessions()
        Thread(target=old.close, name="closing", daemon=True).start()  # an engine may take its time to end

    def roots(self) -> list[Path]:
        """The roots of the client's folders, without repeats."""
        with self._lock:
            folders = tuple(self._folders)
        found = []
        for folder in folders:
            try:
                found.append(find_root(folder).path)
            except RepositoryError:
                continue
        return list(dict.fromkeys(found))

    def place(self, uri: str | None) -> Place:
        """Whose document it is. What belongs to no repository stands beside the first of the client's folders.

        A CopilotError says what is wrong with the settings of that repository.
        """
        path = path_of(uri) if uri else None
        root = self._root_above(path) if path is not None else None
        if root is not None and path is not None:
            relative = path.resolve().relative_to(root)
            return Place(self.project(root), "" if relative == Path() else relative.as_posix())
        roots = self.roots()
        return Place(self.project(roots[0]) if roots else None, "")

    def require(self, uri: str | None) -> Project:
        """The repository of a document or folder; RepositoryError where there is none."""
        project = self.place(uri).project
        if project is None:
            raise RepositoryError("no folder is open; open the folder of a repository first")
        return project

    def project(self, root: Path) -> Project:
        with self._lock:
            if root not in self._projects:
                self._projects[root] = Project(root, self._open_app(root, self._flags), self._sessions)
            return self._projects[root]

    def loose(self) -> Project:
        """A repository that holds nothing, for completing a file that belongs to none."""
        app = self._open_app(Path(gettempdir()), self._flags)
        folder = private_folder(app.kept("loose"))
        note = folder / "README.md"
        if not note.exists():
            replace_file(note, b"Stands in for a repository while files are edited that belong to none.\n")
        return self.project(folder.resolve())

    def close(self) -> None:
        self._sessions.close()

    def _root_above(self, path: Path) -> Path | None:
        """The root a file belongs to: of one of the folders, or of a repository that it stands in.

        A file somewhere on the disk makes no repository of the folder it lies in.
        """
        try:
            real = path.resolve()
            existing = next((each for each in (real, *real.parents) if each.exists()), None)
            found = find_root(existing) if existing is not None else None
        except (OSError, RuntimeError, RepositoryError):
            return None
        if found is not None and found.found_by != "path":
            return found.path
        inside = [root for root in self.roots() if real.is_relative_to(root)]
        return max(inside, key=lambda root: len(root.parts), default=None)
