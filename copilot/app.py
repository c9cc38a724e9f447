"""The composition root: from settings to a repository, a model and a session. Nothing else constructs them."""

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Self

from copilot.config import Settings
from copilot.events import Report, ignore
from copilot.files import Identity
from copilot.models import InstalledModel, Store, resolve, shipped_catalogue
from copilot.models.digests import Record, read_record, sha256_of, write_record
from copilot.repo.root import find_root
from copilot.review.cache import FindingCache
from copilot.tasks.repository import Repository
from copilot.tasks.speed import SpeedLog

if TYPE_CHECKING:  # numpy, tiktoken, jinja2 and llama.cpp are imported by the commands that need a model only
    from copilot.engine.base import Engine, Session
    from copilot.tasks.model import ChatModel
    from copilot.tasks.prefix import Prefixes


class App:
    """One run's settings and what they lead to."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @classmethod
    def at(cls, path: Path, flags: Mapping[str, object]) -> Self:
        """Settings for the repository at `path`; RepositoryError if that does not exist."""
        return cls(Settings.load(find_root(path).path, os.environ, flags))

    @cached_property
    def store(self) -> Store:
        return Store(self.settings.models_dir)

    def repository(self, path: Path, report: Report = ignore, allowed: frozenset[str] = frozenset()) -> Repository:
        """The project that `path` belongs to; secrets in the files at `allowed` paths stay as they are."""
        return Repository.open(path, self.settings.cache_dir, report, allowed)

    def finding_cache(self) -> FindingCache:
        """What reviews found before."""
        return FindingCache.at(self.settings.cache_dir / "reviews" / "findings.sqlite3")

    def installed_model(self, report: Report = ignore) -> InstalledModel:
        """The model the settings name, or the best one installed; ModelMissingError says how to get one."""
        return resolve(self.settings.model, self.store, shipped_catalogue(), "chat", report)

    def chat_model(self, report: Report = ignore) -> "ChatModel":
        """Card, tokenizer and usable context of the chat model. Loads no weights."""
        from copilot.engine.gguf import read_card
        from copilot.engine.memory import largest_context, plannable_bytes
        from copilot.engine.tokenizer import Tokenizer
        from copilot.tasks.model import ChatModel

        path = self.installed_model(report).path
        cards = self.settings.cache_dir / "cards"
        card = read_card(path, cards)
        n_ctx = min(card.context_length, self.settings.context_tokens or card.context_length)
        return ChatModel.from_card(
            card,
            Tokenizer.from_card(card, cards),
            min(n_ctx, largest_context(card, self.settings.kv_type, plannable_bytes())),
        )

    def session(self, model: "ChatModel") -> "Session":
        """A session in this process; the weights are loaded by its first request."""
        from copilot.engine.llama import EngineParams, LlamaEngine, fingerprint
        from copilot.engine.memory import available_bytes, check_memory
        from copilot.engine.segments import SegmentStore
        from copilot.engine.session import EngineSource, LocalSession
        from copilot.engine.worker import ThreadedSession

        settings, card = self.settings, model.card
        params = EngineParams(settings.kv_type, settings.threads, settings.gpu_layers)

        def open_engine(n_ctx: int) -> "Engine":
            check_memory(card, n_ctx, self.settings.kv_type, available_bytes())
            return LlamaEngine(card.path, params, n_ctx)

        store = SegmentStore(
            settings.cache_dir / "kv",
            fingerprint(self.model_digest(card.path), params),
            settings.cache_quota_bytes,
        )
        source = EngineSource(open_engine, card.windowed, model.n_ctx)
        return ThreadedSession(LocalSession(source, model.tokenizer, store))

    def prefixes(self, repository: Repository, model: "ChatModel") -> "Prefixes":
        from copilot.tasks.prefix import Prefixes

        return Prefixes(repository, model, self.settings.cache_dir / "prefixes")

    def speed(self, model: "ChatModel") -> SpeedLog:
        settings = self.settings
        how = f"{model.card.header_digest} {settings.kv_type} {settings.threads} {settings.gpu_layers}"
        return SpeedLog(settings.cache_dir / "speed.json", sha256(how.encode()).hexdigest()[:16])

    def model_digest(self, path: Path) -> str:
        """SHA-256 of a model file: the models folder's record, else hashed once per size, time and inode."""
        if path.parent == self.store.folder and (digest := self.store.current_digest(path.stem)):
            return digest
        key = sha256(str(path.resolve()).encode()).hexdigest()[:32]
        kept = self.settings.cache_dir / "cards" / f"digest-{key}.json"
        record, identity = read_record(kept), Identity.of(path)
        if record is not None and record.identity == identity:
            return record.sha256
        digest = sha256_of(path)
        with suppress(OSError):  # a cache that cannot be written costs the hashing again
            write_record(kept, Record(identity, digest))
        return digest
