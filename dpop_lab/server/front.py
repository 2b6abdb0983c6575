"""What may stand before the twin on a port: pages of its own, and an eye on every answer."""

from typing import Protocol

from dpop_lab.server.http import Routes
from dpop_lab.server.policy import Seen
from dpop_lab.server.twin import Twin
from dpop_lab.wire.message import Request, Response


class Front(Protocol):
    """Pages beside the paths of the twin, and someone who is told of all other requests.

    `pages` answer by path, and nothing is added that would let other origins read them.
    """

    @property
    def pages(self) -> Routes:
        """Who answers, by path in small letters; they come before the twin's."""

    def watch(self, seen: Seen) -> None:
        """Be told of a request once its answer has been written.

        Whatever the answer was: the twin's, a 404 for a path that nobody serves, or the carrier's
        own to a request too large to be read; `reports` is empty where no server looked at a proof.
        """

    def spoke_tls(self, url: str) -> None:
        """Be told of a client that was hung up on because it spoke TLS; it is to use `url`."""


class Fronted:
    """The twin behind a front, as `Request -> Response`; for one thread."""

    def __init__(self, twin: Twin, front: Front) -> None:
        self._front, self._seen = front, Seen(Request("", ""), Response(0), ())
        self._watch = twin.authorization_server.watch
        nonce = twin.resource_server.api_nonce
        self._twin = twin.under(twin.policy, api_nonce=nonce, watch=self._note)

    def __call__(self, request: Request) -> Response:
        page = self._front.pages.get(request.route)
        return page(request) if page else self._twin(request)

    def tell(self, request: Request, response: Response) -> None:
        """Tell the front of a request and the answer it got, unless a page of its own gave it."""
        if request.route not in self._front.pages:
            reports = self._seen.reports if self._seen.request is request else ()
            self._front.watch(Seen(request, response, reports))

    def _note(self, seen: Seen) -> None:
        self._seen = seen
        if self._watch:
            self._watch(seen)
