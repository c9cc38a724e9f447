"""A Session whose engine runs in the host: the same answers, and a host that dies costs time only."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from threading import Lock
from typing import Any

from copilot.engine.base import Cancel, Event, ReadState, SessionStatus, Stored
from copilot.engine.requests import InfillRequest, Priority, Request, ScoreRequest, Tokens
from copilot.errors import BudgetError, EngineError
from copilot.events import Done, Usage
from copilot.host.end import end
from copilot.host.link import SILENCE_S, Call, Link, UnansweredError
from copilot.host.reach import reach
from copilot.host.replay import Replay
from copilot.host.rpc import ClosedError
from copilot.host.start import Launch
from copilot.host.status import LEAVING, HostStatus
from copilot.host.wire import WireError, decode, decode_error, decode_event, encode, encode_tokens

MAX_LOSSES = 2
"""How often in a row a request may lose its host without having got any further."""


Params = Callable[[tuple[int, ...]], Mapping[str, Any]]
"""The parameters of a request whose answer has begun with these tokens."""


class LeavingError(ClosedError):
    """A host takes no more requests; the next one is there as soon as it has finished."""


class HostSession:
    """Usable from any thread. Connects when first asked, and starts a host where there is none."""

    def __init__(self, launch: Launch, n_ctx: int, silence_s: float = SILENCE_S) -> None:
        """`n_ctx` bounds the requests made here; the host may have a larger context. `silence_s`: then it is hung."""
        self._launch = launch
        self._n_ctx = n_ctx
        self._silence_s = silence_s
        self._lock = Lock()
        self._link: Link | None = None

    @property
    def n_ctx(self) -> int:
        return self._n_ctx

    def state(self, prefix: Tokens) -> ReadState:
        return decode(ReadState, self._result("state", {"prefix": encode_tokens(prefix)}))

    def stored(self, prefix: Tokens) -> Stored:
        return decode(Stored, self._result("stored", {"prefix": encode_tokens(prefix)}))

    def read(self, prefix: Tokens, cancel: Cancel, priority: Priority = Priority.WARM) -> Iterator[Event]:
        params = {"prefix": encode_tokens(prefix), "priority": int(priority)}
        return self._events("read", lambda begun: params, cancel)

    def generate(self, request: Request, cancel: Cancel) -> Iterator[Event]:
        prompt = self._checked(len(request.prefix), len(request.turn), 1)
        room = min(request.sampling.max_tokens, self._n_ctx - prompt)
        return self._events("generate", lambda begun: _asked(request, room, begun), cancel)

    def infill(self, request: InfillRequest, cancel: Cancel) -> Iterator[Event]:
        prompt = self._checked(len(request.before), request.n_tokens - len(request.before), 1)
        room = min(request.sampling.max_tokens, self._n_ctx - prompt)
        return self._events("infill", lambda begun: _asked(request, room, begun), cancel)

    def score(self, request: ScoreRequest, cancel: Cancel) -> tuple[tuple[float, ...], ...]:
        self._checked(len(request.prefix), len(request.turn), max(map(len, request.continuations), default=0))
        scores = self._result("score", {"request": encode(request)}, cancel)
        return tuple(tuple(float(value) for value in row) for row in scores)

    def status(self) -> SessionStatus:
        status = decode(HostStatus, self._result("status", {}))
        ages = tuple(held.last_used_s for held in status.prefixes if held.last_used_s is not None)
        return SessionStatus(
            held=tuple(held.tokens for held in status.prefixes),
            running=status.running,
            queued=status.queued,
            tokens_per_s=status.tokens_per_s,
            last_used_s=ages,
            steps=status.steps,
        )

    def close(self) -> None:
        """Hang up; requests of this client are cancelled, the host stays."""
        with self._lock:
            if self._link is not None:
                self._link.close()
            self._link = None

    def _checked(self, prefix: int, turn: int, after: int) -> int:
        """The tokens of the prompt; BudgetError where what follows it has no room."""
        if not turn:
            raise ValueError("a request needs at least one token after its prefix")
        need = prefix + turn + after
        if need > self._n_ctx:
            raise BudgetError(
                f"the request needs {need} tokens, the context has {self._n_ctx}: "
                "shorten the question or use a smaller --budget."
            )
        return prefix + turn

    def _result(self, method: str, params: Mapping[str, Any], cancel: Cancel | None = None) -> Any:
        """What a method without events returns; score's () where `cancel` came first."""
        losses = 0
        while True:
            try:
                for message in self._messages(method, params, cancel):
                    if "method" not in message:
                        return message.get("result")
            except ClosedError as error:
                if cancel is not None and cancel.is_set():
                    return ()
                losses = self._lost(error, losses + 1)

    def _events(self, method: str, params: Params, cancel: Cancel) -> Iterator[Event]:
        """The events of a request; after a loss it is made again, begun with what was told, which is not told twice."""
        replay, losses = Replay(), 0
        while not cancel.is_set():
            reached = replay.reached
            try:
                for message in self._messages(method, params(replay.tokens), cancel):
                    if message.get("method") == "event":
                        yield from replay.new(_event(message))
                return
            except ClosedError as error:
                if not cancel.is_set():
                    losses = self._lost(error, 1 if replay.reached > reached else losses + 1)
                    replay.again()
        yield Done("cancelled", Usage())

    def _messages(self, method: str, params: Mapping[str, Any], cancel: Cancel | None) -> Iterator[dict[str, Any]]:
        """One attempt. ClosedError where the host is lost; a CopilotError where it reports one."""
        link = self._connected()
        try:
            yield from _exchanged(link.call(method, params), cancel)
        except ClosedError as error:
            with self._lock:
                if self._link is link:
                    self._link = None  # its other thread may not have heard yet that it is gone
            if not isinstance(error, LeavingError):  # that one still answers what it was asked before
                link.close()
            raise

    def _connected(self) -> Link:
        with self._lock:
            if self._link is None or not self._link.usable:
                if self._link is not None:
                    self._link.close()
                self._link = reach(self._launch, self._silence_s)
            return self._link

    def _lost(self, error: ClosedError, losses: int) -> int:
        """The losses that count: see that a hung host is gone. EngineError when it is no use to try again."""
        if isinstance(error, LeavingError):
            return losses - 1
        if isinstance(error, UnansweredError) and error.pid:
            end(error.pid, error.met_at)
        if losses > MAX_LOSSES:
            raise EngineError(
                f"the engine's process ended {losses} times while it worked on this; {self._launch.stderr} and "
                "`copilot host log` may tell why"
            ) from error
        return losses


def _asked(request: Request | InfillRequest, max_tokens: int, begun: tuple[int, ...]) -> dict[str, Any]:
    sampling = replace(request.sampling, max_tokens=max_tokens, begun=(*request.sampling.begun, *begun))
    return {"request": encode(replace(request, sampling=sampling))}


def _exchanged(call: Call, cancel: Cancel | None) -> Iterator[dict[str, Any]]:
    if cancel is not None:
        cancel.when_set(call.cancel)
    try:
        for message in call.messages():
            if "error" in message:
                raise _failure(message["error"])
            yield message
    finally:
        if cancel is not None:
            cancel.forget(call.cancel)
        call.leave()


def _event(message: Mapping[str, Any]) -> Event:
    params = message["params"]
    try:
        return decode_event({name: value for name, value in params.items() if name != "id"})
    except WireError as error:
        raise EngineError(f"the engine's process says what this client does not know ({error})") from error


def _failure(error: object) -> Exception:
    about = error.get("data") if isinstance(error, dict) else None
    if isinstance(about, dict) and about.get("code") == LEAVING:
        return LeavingError("the host leaves")
    return decode_error(about if about is not None else error)
