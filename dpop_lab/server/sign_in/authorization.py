"""The authorization request: what a client asks a person for, and what is wrong with it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from dpop_lab.server.common import Form, Refused, is_uri, value
from dpop_lab.server.duende_site import CODE, Client
from dpop_lab.server.policy import Policy
from dpop_lab.server.sign_in.people import ALL_SCOPES, CLIENTS
from dpop_lab.server.sign_in.ways import Ways, ways_of

CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 section 4.2
JKT = re.compile(r"[A-Za-z0-9_-]{43}")
URI = re.compile(r"[!-;=?-~]+")  # what may stand in one, and never a space or a line end
SCRIPTS = ("javascript", "data", "vbscript", "file", "about", "blob")  # and other traps
MODES = ("query", "fragment", "form_post")
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
LONGEST = {  # characters
    "client_id": 100, "redirect_uri": 400, "scope": 300, "state": 2000, "nonce": 300,
    "dpop_jkt": 100, "response_type": 100, "response_mode": 100, "code_challenge": 128,
    "code_challenge_method": 100, "prompt": 100, "max_age": 10, "login_hint": 100,
}  # fmt: skip
KEPT = (*LONGEST, "resource")  # of a pushed request: what is read later, and bounded
PUSHED = "urn:ietf:params:oauth:request_uri:"


class Fault(Exception):
    """An authorization request ends here: with an error for the client, or with a page.

    `request` says where the client can be told; without one nobody may be sent anywhere
    (RFC 6749 section 4.1.2.1).
    """

    def __init__(
        self, error: str, description: str, request: "AuthorizationRequest | None" = None
    ) -> None:
        super().__init__(error)
        self.error, self.description, self.request = error, description, request


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """An authorization request of which the client and its redirect URI are good."""

    client: Client
    form: Form = field(repr=False)
    redirect_uri: str
    pushed: str = field(default="", repr=False)  #: the handle of the pushed request that it is
    pushed_jkt: str | None = None  #: the key of the proof at the PAR endpoint

    def __getitem__(self, name: str) -> str:
        """A parameter's text, empty when it is absent."""
        return value(self.form, name)

    @property
    def mode(self) -> str:
        """How the answer goes to the client."""
        return self["response_mode"] if self["response_mode"] in MODES else "query"

    @property
    def scope(self) -> tuple[str, ...]:
        """The scopes asked for, each once, in their order."""
        return tuple(dict.fromkeys(self["scope"].split()))

    @property
    def resources(self) -> tuple[str, ...]:
        """The APIs asked for, each once (RFC 8707 section 2)."""
        return tuple(dict.fromkeys(self.form.get("resource", ())))

    @property
    def jkt(self) -> str | None:
        """The key that the code is to be bound to (RFC 9449 section 10)."""
        return self.pushed_jkt or self["dpop_jkt"] or None


def read_request(
    policy: Policy, form: Form, *, handle: str = "", pushed_jkt: str | None = None
) -> AuthorizationRequest:
    """The request in these parameters; of one that was pushed with its handle and its key.

    Raises `Fault` for the first thing that is wrong.
    """
    ways = ways_of(policy)
    repeated = [name for name, given in form.items() if len(given) > 1 and name != "resource"]
    if repeated and not ways.twice and {"client_id", "redirect_uri"} & set(repeated):
        raise Fault("invalid_request", f"The parameter {min(repeated)} stands twice.")
    request = AuthorizationRequest(
        client=_client(policy, form),
        form=form,
        redirect_uri=_redirect_uri(ways, form),
        pushed=handle,
        pushed_jkt=pushed_jkt,
    )
    if repeated and not ways.twice:
        raise Fault("invalid_request", "A parameter stands twice.", request)
    for error, description in _faults(policy, ways, request):
        raise Fault(error, description, request)
    return request


def _client(policy: Policy, form: Form) -> Client:
    """The client that asks. Raises `Fault` for one that can't sign anybody in here."""
    client_id = value(form, "client_id")
    if not client_id or len(client_id) > LONGEST["client_id"]:
        raise Fault("invalid_request", "Invalid client_id")
    client = policy.clients.get(client_id)
    if client is None:
        raise Fault("unauthorized_client", "Unknown client or client not enabled")
    if not set(CODE) <= set(client.grants) or client_id not in CLIENTS:
        raise Fault("unauthorized_client", "This client signs nobody in here.")
    return client


def _redirect_uri(ways: Ways, form: Form) -> str:
    """Where the answer goes. Raises `Fault` for a URI that nobody may be sent to."""
    given, known = value(form, "redirect_uri"), ways.redirect_uris
    good = len(given) <= LONGEST["redirect_uri"] and URI.fullmatch(given) and is_uri(given)
    scheme = given.partition(":")[0].lower()
    posted = value(form, "response_mode") == "form_post"
    if not good or scheme in SCRIPTS or (posted and scheme not in ("http", "https")):
        raise Fault("invalid_request", "Invalid redirect_uri")
    if known is not None and not {given, without_port(given)} & set(known):
        raise Fault("invalid_request", "This redirect_uri is not registered for the client.")
    return given


def without_port(uri: str) -> str:
    """A redirect URI of this machine without its port (RFC 8252 section 7.3), else as it is."""
    return re.sub(r"^(http://(?:127\.0\.0\.1|\[::1\]|localhost)):\d{1,5}(?=/|\Z)", r"\1", uri)


def _faults(policy: Policy, ways: Ways, request: AuthorizationRequest) -> Iterator[tuple[str, str]]:
    """What is wrong with the rest of it, in the order of the demo."""
    invalid = "invalid_request"
    if not request["response_type"]:
        yield (
            (invalid if ways.redirected is None else "unsupported_response_type"),
            "Missing response_type",
        )
    if request["response_type"] != "code":
        yield "unsupported_response_type", "Response type not supported"
    if request["response_mode"] not in ("", *MODES):
        yield invalid, "Invalid response_mode"
    for name, most in LONGEST.items():
        if len(request[name]) > most:
            yield invalid, f"Invalid {name}"
    if request["request"]:
        yield "request_not_supported", "Request objects are not read here."
    yield from _faults_of_scope(policy, request)
    yield from _faults_of_challenge(ways, request)
    jkt = request["dpop_jkt"]
    if jkt and ways.exact_jkt and not JKT.fullmatch(jkt):
        yield invalid, "Invalid dpop_jkt"
    prompts = request["prompt"].split()
    if not PROMPTS.issuperset(prompts) or ("none" in prompts and len(prompts) > 1):
        yield invalid, "Invalid prompt"
    if request["max_age"] and not re.fullmatch("[0-9]+", request["max_age"]):
        yield invalid, "Invalid max_age"


def _faults_of_scope(policy: Policy, request: AuthorizationRequest) -> Iterator[tuple[str, str]]:
    if not request.scope:
        yield "invalid_request", "Invalid scope"
    try:
        asked = {*policy.scope(request["scope"]).split(" ")} - {""}
    except Refused:  # characters that no scope has
        asked = {""}
    if not ALL_SCOPES.issuperset(asked):
        yield "invalid_scope", "Invalid scope"
    if not all(map(is_uri, request.resources)):
        yield "invalid_target", "Invalid resource indicator format"
    if not set(request.resources) <= set(policy.apis):
        yield "invalid_target", "Invalid resource indicator"


def _faults_of_challenge(ways: Ways, request: AuthorizationRequest) -> Iterator[tuple[str, str]]:
    """What is wrong with the code challenge (RFC 7636 section 4.3)."""
    challenge, method = request["code_challenge"], request["code_challenge_method"] or "plain"
    if not challenge:
        if request.client.client_id not in ways.without_pkce:
            yield "invalid_request", "code challenge required"
        return
    if not CHALLENGE.fullmatch(challenge):
        yield "invalid_request", "Invalid code_challenge"
    if method not in ways.challenge_methods:
        yield "invalid_request", "Transform algorithm not supported"
