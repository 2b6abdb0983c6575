"""Changes of the token request, but for its proof: who asks, how, and for what."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from dpop_lab.lab.catalogue.change import (
    BASIC,
    MIDDLE,
    TOKEN_ENDPOINT,
    WITH_FORM,
    Change,
)
from dpop_lab.lab.catalogue.moves import HONEST
from dpop_lab.lab.catalogue.spelling import as_it_is

Form = list[tuple[str, str]]
SECRET_FIRST = "A failed client hides every fault of the proof."  # noqa: S105  a sentence
WITH_BASIC = (("Authorization", BASIC),)


def with_value(name: str, value: str) -> Callable[[Form], Form]:
    """A form in which a parameter that is there has this value."""
    return lambda form: [(key, value if key == name else old) for key, old in form]


def _more(name: str, value: str) -> Callable[[Form], Form]:
    return lambda form: [*form, (name, value)]


def _again(name: str) -> Callable[[Form], Form]:
    return lambda form: [*form, *(pair for pair in form if pair[0] == name)]


def _without(*names: str) -> Callable[[Form], Form]:
    return lambda form: [pair for pair in form if pair[0] not in names]


USUAL: Final = replace(HONEST, client_id="m2m.dpop")
OF_THE_DEMO: Final = {  # the requests for tokens that only its other clients and scopes can have
    "unbound": replace(USUAL, client_id="m2m", proofs=lambda proof: ()),
    "scope3": replace(USUAL, form=with_value("scope", "scope3")),
    "resource1": replace(USUAL, form=with_value("scope", "resource1.scope1")),
}

TOKEN_REQUESTS = (
    Change(
        "wrong_secret", "Gives a wrong client secret.", "RFC 6749 §5.2", places=WITH_FORM,
        form=with_value("client_secret", "wrong"),
    ),
    Change(
        "no_secret", "Gives no client secret.", "RFC 6749 §2.3", places=WITH_FORM,
        form=_without("client_secret"), worth=SECRET_FIRST,
    ),
    Change(
        "no_client", "Does not say who it is.", "RFC 6749 §2.3", places=WITH_FORM,
        form=_without("client_id", "client_secret", "client_assertion", "client_assertion_type"),
    ),
    Change(
        "client_twice", "Gives client_id twice.", "RFC 6749 §3.2", places=WITH_FORM,
        form=_again("client_id"),
        worth="No parameter may stand twice; one server lets this one.",
    ),
    Change(
        "scope_twice", "Gives scope twice.", "RFC 6749 §3.2", places=WITH_FORM,
        form=_again("scope"),
    ),
    Change(
        "grant_twice", "Gives grant_type twice.", "RFC 6749 §3.2", places=WITH_FORM,
        form=_again("grant_type"),
        worth="One server joins the two with a comma, and knows no such grant.",
    ),
    Change(
        "scope_blank", "Asks for a blank scope.", "RFC 6749 §3.3", places=WITH_FORM,
        form=with_value("scope", " "),
        worth="Harmless: it counts as none, and none as all there are.",
    ),
    Change(
        "two_ways_of_saying_who", "Gives the secret in the form and with Basic.",
        "RFC 6749 §2.3", places=(TOKEN_ENDPOINT,), fields=WITH_BASIC,
        worth="One method a request, says the RFC.",
    ),
    Change(
        "basic", "Gives the secret with Basic alone.", "RFC 6749 §2.3.1",
        places=(TOKEN_ENDPOINT,), fields=WITH_BASIC, form=_without("client_id", "client_secret"),
        worth="Honest: the way every server must know.",
    ),
    Change(
        "grant_missing", "Leaves grant_type out.", "RFC 6749 §4.4.2", places=WITH_FORM,
        form=_without("grant_type"),
    ),
    Change(
        "grant_unknown", "Asks for a grant that does not exist.", "RFC 6749 §4.5",
        places=WITH_FORM, form=with_value("grant_type", "wishful_thinking"),
    ),
    Change(
        "scope_unknown", "Asks for a scope that does not exist.", "RFC 6749 §5.2",
        places=WITH_FORM, form=with_value("scope", "everything"),
        worth="A proof is used up all the same: it had passed before the scope was looked at.",
    ),
    Change(
        "resource_unknown", "Asks for an API that does not exist.", "RFC 8707 §2",
        places=WITH_FORM, form=_more("resource", "urn:nowhere"),
    ),
    Change(
        "form_as_json", "Sends the parameters as another media type.", "RFC 6749 §4.4.2",
        places=WITH_FORM, content_type="application/json",
    ),
    Change(
        "token_request_by_put", "Asks with PUT.", "RFC 6749 §3.2", places=WITH_FORM,
        method="PUT",
    ),
    Change(
        "opportunist", "Is a client that need not use DPoP, and does.", "RFC 9449 §5",
        places=(TOKEN_ENDPOINT,), client_id="m2m", worth="Honest: its token is bound, too.",
    ),
    Change(
        "proof_taken_away", "Takes the proof of such a client away on its way.",
        "RFC 9449 §5", by=MIDDLE, places=(TOKEN_ENDPOINT,), client_id="m2m",
        proofs=lambda proof: (),
        worth="Granted, unbound. The client must look at token_type, or never know.",
    ),
    Change(
        "assertion", "Is a client that says who it is with a key.", "RFC 7523 §2.2",
        places=(TOKEN_ENDPOINT,), client_id="m2m.jwt",
        worth="Honest: two signatures by two keys in one request.",
    ),
    Change(
        "assertion_twice", "Sends that request twice, with the same assertion.",
        "RFC 7523 §3", places=(TOKEN_ENDPOINT,), client_id="m2m.jwt", again=as_it_is,
        worth="Not the proof is what is refused: the client is looked at first.",
    ),
)  # fmt: skip
