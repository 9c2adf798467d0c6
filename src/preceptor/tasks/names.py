"""The nearest known name to one that is not known, for error messages."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], listed_by: str = "") -> str:
    """End of an error message: the nearest known name, or all of them where none is near.

    Args:
        listed_by: The command that lists them, named in place of all where they are many. Among
            many some name is always a little alike, so it has to be nearer.
    """
    names = [str(candidate) for candidate in known]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6 if listed_by else 0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    if listed_by:
        return f"; {listed_by} lists them"
    return f"; known are {', '.join(names)}" if names else "; there are none"
