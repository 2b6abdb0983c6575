"""The houses of the heist: one that makes no mistake, and seven that make one each."""

from functools import cache
from typing import TYPE_CHECKING

from dpop_lab.exercises.exercise import Exercise
from dpop_lab.exercises.heist import GIVES, WANTED, Room, four_rows, full_house
from dpop_lab.exercises.houses import ALARM
from dpop_lab.exercises.museum import MISTAKES

if TYPE_CHECKING:
    from dpop_lab.exercises.break_in import House

SHOWN = {
    "mistake": "shows the mistake, once found",
    "repairs": "what can be repaired",
    "repair": "puts a repair in and tries it",
}
ROBBED = {**GIVES, "suspects": "eight mistakes and their rows", **SHOWN}
LISTENED = {
    "log": "a visit that was overheard",
    "leaks": "what leaks, and of whom",
    "listen": "waits for the next visitor, and gives what leaked",
    "suspects": "five mistakes, and what is to blame for each",
    **SHOWN,
}


def _house(
    name: str,
    mistake: str,
    par: int,
    *,
    title: str,
    story: str,
    hints: tuple[str, str, str],
    moral: str,
    names: tuple[str, ...] = (),
    **more: str,
) -> Exercise:
    """The exercise of a house with a mistake; with `names` of its own it signs visitors in.

    What such a one is made of is loaded when it is opened.
    """

    @cache
    def house() -> "Room | House":
        if not names:
            return Room(MISTAKES[mistake], par, moral)
        from dpop_lab.exercises.break_in import house_with

        return house_with(mistake, par, moral)

    aim, blamed = "Get in, or lock the guard out,", "the row that is to blame"
    if names:
        aim, blamed = "Get tokens", "what is to blame"
    return Exercise(
        id=name,
        kind="attack",
        title=title,
        task=f"{story} {aim} with as few sends as you can: par is {par}, and after {ALARM} the"
        f" alarm goes. Name {blamed}, task.name('…'), and repair the house, task.repair('…').",
        gives={**(LISTENED if names else ROBBED), **more},
        hints=hints,
        start=lambda scene: house().start(scene),
        steps=lambda scene: house().steps(scene),
        names=names,
    )


EXERCISES = (
    Exercise(
        id="20.1",
        kind="predict",
        title="The full house",
        task=f"This house makes no mistake. Find {WANTED} thefts with the guard's token that are"
        " stopped by four different rows, and say which row before each: task.predict('htm'), and"
        f" then send. After {ALARM} sends the alarm goes.",
        gives=GIVES,
        hints=(
            "You can change the key that signs, the door, the method, the scheme, the time: each is"
            " watched by a row of its own.",
            "Whoever sends no proof, or sends one a second time, meets two more rows.",
            "A proof by your own key meets bound_key; the captured one meets unused at the hall"
            " and htu at the vault; the token under Bearer meets unbound at the staff entrance.",
        ),
        start=full_house,
        steps=four_rows,
    ),
    _house(
        "20.2",
        "binding_not_compared",
        5,
        title="The Orangery",
        story="Palms, a very old tortoise, and a door by the lowest bidder.",
        hints=(
            "Two libraries, each of which does its work. What lies between them?",
            "You have the token, and can make a flawless proof for it, but for one thing.",
            "Your own key, lab.proof(key, 'GET', task.hall, access_token=task.token). If that gets"
            " in, nobody compared the keys: bound_key.",
        ),
        moral="This is what DPoP was invented for, and tests with honest clients never see that"
        " it is missing.",
    ),
    _house(
        "20.3",
        "memory_too_short",
        5,
        title="The Coin Cabinet",
        story="Eleven thousand coins, none larger than a thumbnail.",
        hints=(
            "What does a server have to remember, and for how long?",
            "The captured proof is refused at once. Time is yours: task.lab.clock.advance(20).",
            "After 20 s the proof is forgotten and still fresh, so unused passes. It has to be"
            " remembered as long as it can be fresh, 120 s back and 10 s ahead.",
        ),
        moral="To remember too long costs a little space; to remember too short costs the house.",
    ),
    _house(
        "20.4",
        "htu_as_a_prefix",
        4,
        title="The Map Room",
        story="Each map in here has one fault that was put in to catch copyists. The door has one"
        " that nobody put in.",
        hints=(
            "For which door is the captured proof, and where have you shown it?",
            "The vault's URL begins with the URL of the hall.",
            "The captured proof at task.vault. The row is htu, and URLs are to be compared whole.",
        ),
        moral="A proof is for one URL, and to begin with it is not to be it.",
    ),
    _house(
        "20.5",
        "jti_without_the_key",
        4,
        title="The Clock Tower",
        story="From this house nothing was ever stolen, say its owners, and they may be right.",
        hints=(
            "You may be a visitor: ask for a ticket, task.lab.ask(key=key), and go in. What of the"
            " guard can you put into your own proof?",
            "read_proof(task.captured).claims['jti']: what will the next one be?",
            "Go in with your own ticket and the guard's next jti; then task.listen(). The guard is"
            " refused by unused, for the house remembers no keys.",
        ),
        moral="What a server remembers has to belong to somebody, else a stranger can use it up.",
    ),
    _house(
        "20.6",
        "bound_token_under_bearer",
        3,
        title="The Print Room",
        story="Ten thousand prints, and a smell of ink.",
        hints=(
            "You have tried to prove something all the time. What if nobody asks?",
            "Under which scheme is a token sent that needs no proof, and at which door?",
            "Authorization: Bearer and the token, at task.staff_entrance. The row is unbound. But"
            " there are visitors whose tokens are bound to nothing.",
        ),
        moral="A binding protects a token only where somebody asks for it, at every door.",
    ),
    _house(
        "20.7",
        "dpop_jkt_where_a_proof_comes",
        4,
        title="The Box Office",
        story="Tickets are tokens here, and whoever wants one signs in. Alice's key is out of your"
        " reach; but it is browsers that carry the codes, and browsers leak.",
        names=("code_key", "PKCE", "one use"),
        hints=(
            "What keeps each leak from being of use, in a house without a mistake? For two of them"
            " it is dpop_jkt, for one the code_verifier, for one that a code is good once.",
            "Who comes with another key is sent away by code_key. How else can one come?",
            "With none: task.listen('page'), and its form as it is, without a DPoP header. The"
            " token is no DPoP token then. To blame is code_key: a code with dpop_jkt needs a proof"
            " by that key, and no proof is none.",
        ),
        moral="To compare what came is not enough, where it is the thief who chooses what comes.",
    ),
    _house(
        "20.8",
        "family_goes_on",
        5,
        title="The Cloakroom",
        story="For a number you get your coat, and for an old number a new one. Alice's app has a"
        " key, Bob's has none: his numbers are changed each time, and an old one is refused.",
        names=("refresh_key", "whose it is", "one use"),
        hints=(
            "Five mistakes, two leaks. For three of them you need the backup, for two the log; and"
            " those two differ in who comes first.",
            "task.owner() lets the owner come back. He is refused when you were before him. Does"
            " that do you any harm?",
            "task.listen('log'), its form once, task.owner(), then the form with the refresh_token"
            " out of your own answer. If that brings tokens, nothing ended when two came with one"
            " number: one use, and the whole family has to go.",
        ),
        moral="Rotation does not keep a thief out. It makes two people come with one number, which"
        " helps only who draws a conclusion. A key keeps a thief out from the start.",
        owner="lets the owner of what you heard last come back",
        own_client="a client of yours, with its secret",
    ),
)
