"""Owner and thief: their keys, their access tokens, and the requests that they draft and sign."""

import uuid
from collections.abc import Mapping
from dataclasses import replace

import requests

from dpop_lab.client.token import AccessToken, read_token
from dpop_lab.errors import LabError
from dpop_lab.jose.encoding import thumbprint
from dpop_lab.jose.jws import read_jws
from dpop_lab.jose.keys import PrivateKey, generate_key, too_small_key
from dpop_lab.lab.catalogue import CHANGES
from dpop_lab.lab.catalogue.change import Change, Edit
from dpop_lab.lab.catalogue.places import (
    ISSUER,
    PLACES,
    TOKEN_ENDPOINT,
    TOKEN_ENDPOINT_NONCE,
    TOKENS,
    Place,
)
from dpop_lab.lab.catalogue.requests import OF_THE_DEMO, USUAL
from dpop_lab.lab.crafting import forged, prepared, url_of, with_other_proof, written
from dpop_lab.lab.draft import Draft, members_of
from dpop_lab.lab.world import World
from dpop_lab.proof import proof_claims, proof_header
from dpop_lab.server.policies import POLICIES
from dpop_lab.wire.message import Redacted
from dpop_lab.wire.syntax import htu, offered_nonce

SMALL = "RSA of 1024 bits"


class Parties:
    """The owner and the thief; each key and token is made or asked for when first needed.

    Access tokens are asked for, over `session`, by honest requests, and asked for again when they
    run out. The last nonce of either server is kept.
    """

    def __init__(self, lab: World, session: requests.Session) -> None:
        self.lab, self._session = lab, session
        self._keys: dict[tuple[str, str], PrivateKey] = {}
        self._tokens: dict[tuple[str, str], tuple[int, AccessToken]] = {}  # since when
        self._nonces: dict[bool, str] = {}  # at a token endpoint?

    def key(self, who: str, kind: str = "ES256") -> PrivateKey:
        """The key of this kind that the owner or the thief has."""
        if (who, kind) not in self._keys:
            self._keys[who, kind] = too_small_key() if kind == SMALL else generate_key(kind)
        return self._keys[who, kind]

    def nonce(self, place: Place) -> str | None:
        """The nonce that the server at a place gave last, None before it gave any."""
        return self._nonces.get(bool(place.client_id))

    def access_token(self, which: str = "owner", kind: str = "ES256") -> str:
        """One of the tokens in `TOKENS`, bound to a key of this kind.

        Raises `TokenRefused` when no policy grants it, `Unreachable` when no answer comes, and
        `LabError` for a token that only the demo's other clients and scopes can have.
        """
        now = self.lab.clock.now()
        asked, token = self._tokens.get((which, kind), (now, None))
        if token is None or not asked <= now < token.renew_at:
            token = self._granted(which, kind)
            self._tokens[which, kind] = now, token
        return token.value

    def _granted(self, which: str, kind: str) -> AccessToken:
        """A token of the lab's server; a twin that refuses the key is asked under both policies."""
        if which in OF_THE_DEMO and not self.lab.is_demo:
            raise LabError(f"Only the demo has a token {TOKENS[which]}")
        who, now = "thief" if which == "thief" else "owner", self.lab.clock.time()
        change = replace(OF_THE_DEMO.get(which, USUAL), key=kind, signed_by=who)
        answer = self._token_answer(self._session, change)
        for policy in () if self.lab.live else POLICIES.values():
            if not answer.ok:
                apart = self.lab.session_under(policy, afresh=True)
                answer = self._token_answer(apart, change)
        return read_token(answer, now=now, accept_bearer=which == "unbound")

    def _token_answer(self, session: requests.Session, change: Change) -> requests.Response:
        """The answer to a token request; the demand for a nonce is obeyed once."""
        place = PLACES[TOKEN_ENDPOINT]
        for _ in range(2):
            known = self.nonce(place)
            to = TOKEN_ENDPOINT_NONCE if known else TOKEN_ENDPOINT
            steps, _ = self.signed(self.drafted(change, to=to))
            answer = self.send(session, place, steps)
            if answer.ok or self.nonce(place) == known:
                break
        return answer

    def send(
        self, session: requests.Session, place: Place, steps: list[requests.PreparedRequest]
    ) -> requests.Response:
        """Send requests to a place as they are, and nowhere else; gives the last answer.

        They go over proxies that are set. The nonce in the answer is kept, if there is one.
        """
        for step in steps:
            ways = session.merge_environment_settings(step.url, {}, False, None, None)
            answer = session.send(step, timeout=self.lab.timeout, allow_redirects=False, **ways)
        if nonce := offered_nonce(answer.headers):
            self._nonces[bool(place.client_id)] = nonce
        return answer

    def drafted(
        self,
        change: Change,
        *,
        to: str,
        jti: str = "",
        header: Mapping[str, object] | None = None,
        claims: Mapping[str, object] | None = None,
    ) -> Draft:
        """What a change makes of an honest proof for a place at this moment.

        `header` and `claims` are further members, with `LEFT_OUT` for one that is to go. Asks for
        an access token when one is needed and none is at hand. Raises `LabError` for what the live
        server does not let us do.
        """
        place, now = PLACES[to], self.lab.clock.now()
        access_token = self._presented(change, place)
        honest = proof_claims(
            jti=jti or str(uuid.uuid4()),
            htm=place.method,
            htu=htu(url_of(place, self.lab)),
            iat=now,
            access_token=access_token or None,
            nonce=self._nonce(change, place) if place.nonce else None,
        )
        meant = PLACES[change.made_for or to]
        said = honest | {"htm": meant.method, "htu": htu(url_of(meant, self.lab))}
        shown = change.shows or ("owner" if change.signed_by == "nobody" else change.signed_by)
        own, key = (proof_header(self.key(one, change.key)) for one in ("owner", shown))
        header, claims = {**change.header, **(header or {})}, {**change.claims, **(claims or {})}
        texts = written(replace(change, header=header, claims=claims), key, said, now=now)
        return Draft(
            change=change,
            to=to,
            header=texts[0],
            claims=texts[1],
            honest=written(Edit(), own, honest, now=now),
            proposed=written(change, key, said, now=now),
            access_token=access_token,
        )

    def _nonce(self, change: Change, place: Place) -> str | None:
        """A nonce of the server at this place, or of the other one, given out some time ago.

        Of a server that is not ours it is the one it gave last, None before it gave any.
        """
        if self.lab.live:
            return self.nonce(place)
        twin = self.lab.twin
        at_token_endpoint = bool(place.client_id) is not change.others_nonce
        server = twin.authorization_server if at_token_endpoint else twin.resource_server
        return server.nonces.issue(self.lab.clock.now() - change.nonce_age)

    def _presented(self, change: Change, place: Place) -> str:
        """The access token that goes with a change, empty where there is none."""
        if not place.scheme:
            return ""
        usual = "unbound" if place.scheme == "Bearer" else "owner"
        token = self.access_token(change.presents or usual, change.key)
        return token if change.token is None else self._tampered(token, change.token)

    def _tampered(self, token: str, edit: Edit) -> str:
        """An access token after an edit, signed by whom the edit says."""
        issued = read_jws(token)
        if issued.problem:  # of a kind that only its issuer can read
            if "whole" not in edit.spelling:
                raise LabError("The access token is no JWT", found=issued.problem)
            return str(edit.spelt("whole", token))
        said = dict(issued.claims)
        if edit.shows:
            said["cnf"] = {"jkt": thumbprint(self.key(edit.shows).public_jwk())}
        by_issuer = edit.signed_by == ISSUER
        key = self.lab.twin.signing_key if by_issuer else self.key("thief", "RS256")
        texts = written(edit, issued.header, said, now=self.lab.clock.now())
        return forged(*texts, edit, key, kept=issued.signature)

    def signed(self, draft: Draft) -> tuple[list[requests.PreparedRequest], str]:
        """The requests that carry out a draft, in order, and the proof in the last one."""
        change, steps = draft.change, list[requests.PreparedRequest]()
        if change.first:  # a request that goes before, with the same jti
            jti = members_of(draft.honest[1])["jti"]
            steps, _ = self.signed(self.drafted(CHANGES[change.first], to=draft.to, jti=jti))
        proof = self.proof(draft)
        steps.append(prepared(draft, proof, self.lab))
        if change.again:
            first, proof = proof, change.again(proof)
            steps.append(with_other_proof(steps[-1], first, proof))
        return steps, proof

    def proof(self, draft: Draft) -> str:
        """The texts of a draft, signed by whom it says or under their honest signature.

        What was typed whole stays as it is.
        """
        if draft.typed is not None:
            return draft.typed
        change, kept = draft.change, b""
        key = self.key("thief" if change.signed_by == "thief" else "owner", change.key)
        if not change.sign_again:
            honest = forged(*draft.honest, Edit(), self.key("owner", change.key))
            kept = read_jws(honest).signature
        return forged(draft.header, draft.claims, change, key, kept=kept)


def exchange_of(response: requests.Response) -> Redacted:
    """The exchange of which this is the answer, as it was recorded last."""
    found: Redacted = response.exchange  # type: ignore[attr-defined]
    return found
