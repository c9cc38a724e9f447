"""The composition root: from settings to a repository, a model and a session. Nothing else constructs them."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from copilot.config import Settings, chosen_host
from copilot.errors import CopilotError
from copilot.events import Report, ignore
from copilot.files import Identity
from copilot.models import InstalledModel, Store, largest_fitting, resolve, shipped_catalogue
from copilot.models.digests import Record, read_record, sha256_of, write_record
from copilot.models.store import disk_errors
from copilot.repo.root import find_root
from copilot.tasks.cache import Kept
from copilot.tasks.repository import Repository
from copilot.tasks.speed import SpeedLog

if TYPE_CHECKING:  # numpy, tiktoken, jinja2 and llama.cpp are imported by the commands that need a model only
    from copilot.engine.base import Engine, Session
    from copilot.engine.gguf import ModelCard
    from copilot.engine.tokenizer import Tokenizer
    from copilot.host.roster import Found
    from copilot.host.start import Launch
    from copilot.review.cache import FindingCache
    from copilot.tasks.complete import Completer
    from copilot.tasks.complete.model import CompletionModel
    from copilot.tasks.model import ChatModel
    from copilot.tasks.model_review.asking import Desk
    from copilot.tasks.prefix import Prefixes


class Served(Protocol):
    """What a session needs to know of a model."""

    @property
    def card(self) -> "ModelCard": ...
    @property
    def tokenizer(self) -> "Tokenizer": ...
    @property
    def n_ctx(self) -> int: ...


class App:
    """One run's settings and what they lead to."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @classmethod
    def at(cls, path: Path, flags: Mapping[str, object]) -> Self:
        """Settings for the repository at `path`; RepositoryError if that does not exist."""
        return cls(Settings.load(find_root(path).path, os.environ, flags))

    @classmethod
    def despite(cls, path: Path, flags: Mapping[str, object]) -> "tuple[Self, tuple[str, ...]]":
        """The App as far as the settings can be read, and what is wrong with the others; never raises.

        Sources that cannot be used are left out from the most specific on: repository, user's file, environment.
        """
        wrong: list[str] = []
        environment = dict(os.environ)
        nowhere = {"COPILOT_CONFIG_DIR": f"{os.devnull}-no-settings"}
        folders: list[str] = ["COPILOT_CACHE_DIR", "COPILOT_MODELS_DIR"]
        kept = nowhere | {name: environment[name] for name in folders if name in environment}
        for at, variables in ((path, environment), (None, environment), (None, environment | nowhere), (None, kept)):
            try:
                root = find_root(at).path if at is not None else None
                return cls(Settings.load(root, variables, flags)), tuple(wrong)
            except CopilotError as error:
                if str(error) not in wrong:
                    wrong.append(str(error))
        return cls(Settings()), tuple(wrong)

    @cached_property
    def store(self) -> Store:
        return Store(self.settings.models_dir)

    def kept(self, what: Kept) -> Path:
        """The folder in the cache for one kind of things, which `copilot cache` knows about."""
        return self.settings.cache_dir / what

    def repository(self, path: Path, report: Report = ignore, allowed: frozenset[str] = frozenset()) -> Repository:
        """The project that `path` belongs to; secrets in the files at `allowed` paths stay as they are."""
        return Repository.open(path, self.settings.cache_dir, report, allowed)

    def finding_cache(self) -> "FindingCache":
        """What reviews found before."""
        from copilot.review.cache import FindingCache

        return FindingCache.at(self.kept("reviews") / "findings.sqlite3")

    def installed_model(self, report: Report = ignore) -> InstalledModel:
        """The model the settings name, or the best one installed that fits; ModelMissingError says how to get one."""
        named = self.settings.model or self._largest_fitting()
        return resolve(named, self.store, shipped_catalogue(), "chat", report)

    def _largest_fitting(self) -> str | None:
        """The best installed chat model that this machine has the memory for."""
        from copilot.engine.memory import largest_context, plannable_bytes

        plannable, kv_type = plannable_bytes(), self.settings.kv_type
        with disk_errors(self.settings.models_dir):
            return largest_fitting(
                self.store, shipped_catalogue(), "chat", lambda shape: largest_context(shape, kv_type, plannable) > 0
            )

    def tokenizer(self, report: Report = ignore) -> "Tokenizer":
        """The tokenizer of the chat model, which needs no chat format to count."""
        from copilot.engine.tokenizer import Tokenizer

        card = self._card(report)
        return Tokenizer.from_card(card, self._cards)

    @property
    def _cards(self) -> Path:
        return self.kept("cards")

    def _card(self, report: Report) -> "ModelCard":
        from copilot.engine.gguf import read_card

        return read_card(self.installed_model(report).path, self._cards)

    def chat_model(self, report: Report = ignore) -> "ChatModel":
        """Card, tokenizer and usable context of the chat model. Loads no weights."""
        from copilot.engine.tokenizer import Tokenizer
        from copilot.tasks.model import ChatModel

        card = self._card(report)
        return ChatModel.from_card(card, Tokenizer.from_card(card, self._cards), self._context_of(card))

    def served_model(self) -> "Served":
        """The model the settings name as a host serves it, whatever it is used for."""
        from copilot.engine.tokenizer import Tokenizer
        from copilot.tasks.complete.model import CompletionModel

        card = self._card(ignore)
        return CompletionModel.from_card(card, Tokenizer.from_card(card, self._cards), self._context_of(card))

    def _context_of(self, card: "ModelCard") -> int:
        """The largest context to work with, in tokens."""
        from copilot.engine.memory import largest_context, plannable_bytes

        n_ctx = min(card.context_length, self.settings.context_tokens or card.context_length)
        return min(n_ctx, largest_context(card, self.settings.kv_type, plannable_bytes()))

    def completion_model(self, report: Report = ignore) -> "CompletionModel":
        """Card, tokenizer and markers of the model that completes: the one set for it, else the chat model.

        Loads no weights. It may turn out to have no way to complete; the completer says so.
        """
        from copilot.engine.gguf import read_card
        from copilot.engine.tokenizer import Tokenizer
        from copilot.tasks.complete.model import CompletionModel

        named = self.settings.completion_model
        if named is None:
            card = self._card(report)
        else:
            installed = resolve(named, self.store, shipped_catalogue(), "completion", report)
            card = read_card(installed.path, self._cards)
        return CompletionModel.from_card(card, Tokenizer.from_card(card, self._cards), self._context_of(card))

    def completer(
        self, repository: Repository, model: "CompletionModel", session: "Session", *, ahead: bool = True
    ) -> "Completer":
        """Completions of one repository in one session.

        `ahead`, for editors: load the code in the background and prepare the next completions while nobody asks.
        """
        from copilot.tasks.complete import Completer
        from copilot.tasks.complete.context import RepositoryContext
        from copilot.tasks.complete.statistics import Statistics

        statistics = Statistics(self.kept("completion") / "statistics.json")
        context = RepositoryContext(repository, in_background=ahead)
        return Completer(model, session, context, statistics, ahead=ahead)

    def desk(self, path: Path, report: Report = ignore) -> "Desk":
        """The chat model for a review of the project that `path` belongs to, not opened yet."""
        from copilot.tasks.model_review.asking import Desk
        from copilot.tasks.model_review.nearby import Nearby

        def identity() -> str:
            path = self.installed_model(report).path
            return f"{path.resolve()} {Identity.of(path)}"

        def opened() -> "tuple[ChatModel, Session]":
            model = self.chat_model(report)
            return model, self.session(model)

        return Desk(identity, opened, Nearby(lambda: self.repository(path, report)))

    def session(self, model: "Served") -> "Session":
        """A session with the engine's host; one in this process where COPILOT_HOST=off."""
        if chosen_host(os.environ) == "off":
            return self.local_session(model)
        from copilot.host.client import HostSession

        return HostSession(self.launch(model), model.n_ctx)

    def launch(self, model: "Served") -> "Launch":
        """The host for this model and these parameters, with all the context the machine allows; clients use less."""
        from copilot.host.address import Address, default_transport, key_of
        from copilot.host.orders import Orders
        from copilot.host.start import Launch

        settings, card = self.settings, model.card
        path = card.path.resolve()
        parameters = (settings.kv_type, settings.threads, settings.gpu_layers)
        key = key_of(str(path), card.identity, parameters, str(settings.cache_dir))
        orders = Orders(
            Address(self.runtime_folder, key, default_transport()),
            self.log_folder / f"{key}.log",
            card.name,
            60 * settings.host_idle_minutes,
            60 * settings.host_stall_minutes,
            replace(settings, model=str(path), completion_model=None, context_tokens=None).values(),
        )
        return Launch(orders)

    @property
    def runtime_folder(self) -> Path:
        """Where the sockets of hosts are."""
        from copilot.host.address import runtime_folder

        return runtime_folder(os.environ)

    @property
    def hosts(self) -> "Callable[[], list[Found]] | None":
        """Finds the hosts of this user; None where COPILOT_HOST=off."""
        from copilot.host.roster import find

        return None if chosen_host(os.environ) == "off" else lambda: find(self.runtime_folder)

    @property
    def log_folder(self) -> Path:
        """Where hosts keep their logs."""
        return self.kept("host")

    def local_session(self, model: "Served") -> "Session":
        """A session in this process; the weights are loaded by its first request."""
        from copilot.engine.llama import EngineParams, LlamaEngine, fingerprint
        from copilot.engine.memory import available_bytes, batch_for, check_memory, plannable_bytes, sequences_for
        from copilot.engine.segments import SegmentStore
        from copilot.engine.session import EngineSession, EngineSource

        settings, card = self.settings, model.card
        n_seq = sequences_for(card, settings.kv_type)
        n_batch = batch_for(card, model.n_ctx, settings.kv_type, plannable_bytes())
        params = EngineParams(settings.kv_type, settings.threads, settings.gpu_layers, n_seq, n_batch)

        def admit(n_ctx: int) -> None:
            check_memory(card, n_ctx, settings.kv_type, available_bytes(), n_batch)

        def open_engine(n_ctx: int) -> "Engine":
            return LlamaEngine(card.path, params, n_ctx, admit)

        store = SegmentStore(
            self.kept("kv"),
            fingerprint(self.model_digest(card.path), params),
            settings.cache_quota_bytes,
        )
        source = EngineSource(open_engine, card.windowed, model.n_ctx)
        return EngineSession(source, model.tokenizer, store)

    def bare_engine(self, model: "ChatModel", n_ctx: int) -> "Engine":
        """An engine of its own, in this process and without a cache, to measure with."""
        from copilot.engine.llama import EngineParams, LlamaEngine
        from copilot.engine.memory import available_bytes, check_memory

        settings, card = self.settings, model.card
        params = EngineParams(settings.kv_type, settings.threads, settings.gpu_layers)
        return LlamaEngine(
            card.path, params, n_ctx, lambda n: check_memory(card, n, settings.kv_type, available_bytes())
        )

    @property
    def calibration_file(self) -> Path:
        """Where the measured speed of this machine is kept."""
        return self.settings.cache_dir / "machine.json"

    def prefixes(self, repository: Repository, model: "ChatModel") -> "Prefixes":
        from copilot.tasks.prefix import Prefixes

        return Prefixes(repository, model, self.kept("prefixes"))

    def speed(self, model: "ChatModel") -> SpeedLog:
        settings = self.settings
        how = f"{model.card.header_digest} {settings.kv_type} {settings.threads} {settings.gpu_layers}"
        return SpeedLog(settings.cache_dir / "speed.json", sha256(how.encode()).hexdigest()[:16])

    def model_digest(self, path: Path) -> str:
        """SHA-256 of a model file: the models folder's record, else hashed once per size, time and inode."""
        if path.parent == self.store.folder and (digest := self.store.current_digest(path.stem)):
            return digest
        key = sha256(str(path.resolve()).encode()).hexdigest()[:32]
        kept = self._cards / f"digest-{key}.json"
        record, identity = read_record(kept), Identity.of(path)
        if record is not None and record.identity == identity:
            return record.sha256
        digest = sha256_of(path)
        with suppress(OSError):  # a cache that cannot be written costs the hashing again
            write_record(kept, Record(identity, digest))
        return digest
