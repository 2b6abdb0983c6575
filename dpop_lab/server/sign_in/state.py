"""What a server keeps by an opaque handle: codes, sessions, pushed requests, refresh tokens."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

from dpop_lab.server.common import Form
from dpop_lab.server.resource_server import Party
from dpop_lab.server.sign_in.grants import Grant, Session

Kept = TypeVar("Kept")
MOST = 10_000  # of a kind; each is at most a few kilobytes


class Store(Generic[Kept]):
    """Values by their handles, each for `lifetime` seconds; safe to use from many threads.

    Where there are `most`, the oldest makes room for a new one: its handle is then unknown, and
    whoever has it starts again.
    """

    def __init__(self, lifetime: int, *, most: int = MOST) -> None:
        self.lifetime, self._most = lifetime, most
        self._kept: OrderedDict[str, tuple[int, Kept]] = OrderedDict()
        self._spent = set[str]()
        self._lock = Lock()

    def put(self, handle: str, value: Kept, *, now: int) -> str:
        """Keep a value; gives its handle back."""
        with self._lock:
            self._kept[handle] = now + self.lifetime, value
            while len(self._kept) > self._most or next(iter(self._kept.values()))[0] <= now:
                self._spent.discard(self._kept.popitem(last=False)[0])
        return handle

    def get(self, handle: str, *, now: int) -> Kept | None:
        """The value, None when its time is over or there was none."""
        end, value = self._kept.get(handle, (now, None))
        return value if end > now else None

    def spend(self, handle: str) -> bool:
        """Is this its first use? The value stays, so that a second one is seen. Atomic."""
        with self._lock:
            if handle not in self._kept or handle in self._spent:
                return False
            self._spent.add(handle)
        return True

    def spent(self, handle: str) -> bool:
        """Was it used? Whatever the clock says, for as long as its value is kept."""
        return handle in self._spent

    def drop(self, ended: Callable[[Kept], bool]) -> None:
        """Forget all values of which this is true."""
        with self._lock:
            for handle in [one for one, (_, value) in self._kept.items() if ended(value)]:
                del self._kept[handle]
                self._spent.discard(handle)

    def __len__(self) -> int:
        return len(self._kept)


@dataclass(frozen=True, slots=True)
class Pushed:
    """An authorization request that was pushed, and the key of the proof beside it (RFC 9126)."""

    form: Form
    jkt: str | None
    made_at: int  #: in seconds since 1970


@dataclass(slots=True)
class State:
    """All that a server keeps of people who signed in, and of requests that ask them to."""

    draw: Callable[[int], bytes] = field(repr=False)  #: random octets
    sessions: Store[Session] = field(default_factory=lambda: Store(10 * 3600))
    #: a code is refused when it is older than its policy says, which is less
    codes: Store[Grant] = field(default_factory=lambda: Store(600))
    pushed: Store[Pushed] = field(default_factory=lambda: Store(600))
    refresh_tokens: Store[Grant] = field(default_factory=lambda: Store(30 * 86_400))

    def handle(self) -> str:
        """A new opaque handle, in hex: 256 bits."""
        return self.draw(32).hex().upper()


def end_family(server: Party, state: State, family: str) -> None:
    """End all that came of a grant: what is kept, and what another thread is about to keep."""
    state.refresh_tokens.drop(lambda grant: grant.family == family)
    remember = state.refresh_tokens.lifetime
    server.used.claim(("ended", family), now=server.clock.now(), remember=remember)
