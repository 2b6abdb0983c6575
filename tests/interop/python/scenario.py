"""What a client is asked to do, and how it tells what came of it: a line of JSON each."""

import json
import sys
from collections.abc import Callable

ask: dict[str, str] = {}


def report(flow: Callable[[], dict[str, object]]) -> None:
    """Run the flow for each scenario and print its result."""
    for line in sys.stdin:
        ask.clear()
        ask.update(json.loads(line))
        print(json.dumps(flow()), flush=True)
