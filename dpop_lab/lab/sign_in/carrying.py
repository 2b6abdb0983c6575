"""Changes of the great catalogue, carried where the bench does not go: to PAR and userinfo."""

import uuid
from urllib.parse import urlencode

from dpop_lab.jose.jws import read_jws
from dpop_lab.lab.catalogue.change import Change, Edit
from dpop_lab.lab.catalogue.places import ISSUER
from dpop_lab.lab.catalogue.requests import HONEST
from dpop_lab.lab.crafting import MEDIA_TYPE, forged, with_lines, with_other_proof, written
from dpop_lab.lab.sign_in.stage import PUBLIC, Over, Stage
from dpop_lab.proof import proof_claims, proof_header


def carry_to_par(stage: Stage, change: Change, *, client_id: str = PUBLIC) -> None:
    """A pushed request whose proof is changed."""
    form = urlencode(stage.request(client_id, dpop_jkt=None))
    lines = [("Content-Type", MEDIA_TYPE), ("Content-Length", str(len(form)))]
    _carry(stage, change, "POST", stage.url("par"), lines, form)


def carry_to_userinfo(stage: Stage, change: Change, *, token: str = "", scheme: str = "") -> None:
    """A userinfo request with this token or a new one; the token or the proof is changed.

    The scheme is DPoP unless said, for a changed token the one that the server takes there.
    """
    scheme = scheme or (stage.scheme if change.token else "DPoP")
    token = _edited(stage, token or str(stage.tokens()["access_token"]), change.token)
    authorization = change.authorization or (lambda text: (f"{scheme} {text}",))
    lines = [("Authorization", line) for line in authorization(token)]
    _carry(stage, change, "GET", stage.url("userinfo"), lines, access_token=token)


def _carry(
    stage: Stage,
    change: Change,
    method: str,
    url: str,
    lines: list[tuple[str, str]],
    body: str | None = None,
    access_token: str | None = None,
) -> None:
    """Send a request whose proof is changed, twice where the change says so."""
    proof = _proof(stage, change, method, url, access_token)
    proofs = change.proofs(proof) if change.proofs else (proof,)
    asked = with_lines(method, url, [*lines, *(("DPoP", line) for line in proofs)], body)
    again = [with_other_proof(asked, proof, change.again(proof))] if change.again else []
    for one in (asked, *again):
        answer = stage.session.send(one, allow_redirects=False)
    if not answer.ok:
        raise Over


def _proof(stage: Stage, change: Change, method: str, url: str, access_token: str | None) -> str:
    """A proof of this moment after a change."""
    now = stage.lab.clock.now()
    said = proof_claims(
        jti=str(uuid.uuid4()), htm=method, htu=url, iat=now, access_token=access_token
    )
    signer = "thief" if change.signed_by == "thief" else "owner"
    honest = written(HONEST, proof_header(stage.key("owner", change.key)), said, now=now)
    kept = b""
    if not change.sign_again:
        kept = read_jws(forged(*honest, HONEST, stage.key("owner", change.key))).signature
    header = proof_header(stage.key(change.shows or signer, change.key))
    texts = written(change, header, said, now=now)
    return forged(*texts, change, stage.key(signer, change.key), kept=kept)


def _edited(stage: Stage, token: str, edit: Edit | None) -> str:
    """An access token after an edit, signed by the issuer, or by the thief in its place."""
    if edit is None:
        return token
    issued = read_jws(token)
    said = dict(issued.claims)
    if edit.shows:
        said["cnf"] = {"jkt": stage.jkt(edit.shows)}
    by_issuer = edit.signed_by == ISSUER
    key = stage.lab.twin.signing_key if by_issuer else stage.key("thief", "RS256")
    texts = written(edit, issued.header, said, now=stage.lab.clock.now())
    return forged(*texts, edit, key, kept=issued.signature)
