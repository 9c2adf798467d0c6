"""Ways to make instructions of seeds: BioInstruct's, Alpaca's, Self-Instruct's, MedInstruct's."""

from preceptor.errors import RecipeError
from preceptor.synthesis.protocols.alpaca import Alpaca
from preceptor.synthesis.protocols.base import TaskProtocol
from preceptor.synthesis.protocols.bioinstruct import BioInstruct
from preceptor.synthesis.protocols.medinstruct import MedInstruct
from preceptor.synthesis.protocols.self_instruct import SelfInstruct

_CLASSES = (BioInstruct, Alpaca, SelfInstruct, MedInstruct)
PROTOCOLS = tuple(one.name for one in _CLASSES)


def protocol(name: str, domain: str = "biomedical") -> TaskProtocol:
    """The protocol of a name, its prompts worded for a domain.

    Args:
        name: One of ``PROTOCOLS``.
        domain: An adjective: biomedical, legal, chemical.

    Raises:
        RecipeError: No protocol has that name.
    """
    for one in _CLASSES:
        if one.name == name:
            return one(domain)
    raise RecipeError(f"no protocol is called {name!r}; choose one of {', '.join(PROTOCOLS)}")
