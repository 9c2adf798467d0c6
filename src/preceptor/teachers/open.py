"""From a recipe's teacher to the endpoint that answers for it."""

from preceptor.errors import InputError, RecipeError
from preceptor.teachers import litellm
from preceptor.teachers.address import check_url, key_of
from preceptor.teachers.asking import PacedEndpoint
from preceptor.teachers.budget import Budget
from preceptor.teachers.config import BudgetConfig, TeacherConfig
from preceptor.teachers.endpoint import OpenAIEndpoint
from preceptor.teachers.prices import KnownPrice, price_of


def open_endpoint(config: TeacherConfig, budget: Budget) -> PacedEndpoint:
    """The endpoint of a teacher that is not in this process; use it as an asynchronous context
    manager.

    Raises:
        RecipeError: Its URL is wrong, its key or LiteLLM is missing, or its price is unknown and
            the budget is in dollars.
        InputError: The teacher is in this process.
    """
    if config.local:
        raise InputError(f"the teacher {config.model} has no endpoint: it runs in this process")
    known = known_price(config, budget.config)
    if config.endpoint == litellm.NAME:
        return litellm.LiteLLMEndpoint(config, budget, known)
    return OpenAIEndpoint(config, budget, known)


def check_teacher(config: TeacherConfig, budget: BudgetConfig) -> KnownPrice | None:
    """See before any work starts that a teacher can be asked; returns its price.

    Nothing is sent.

    Raises:
        RecipeError: As for ``open_endpoint``.
    """
    if config.endpoint == litellm.NAME:
        litellm.key_of(config)
    elif not config.local:
        check_url(config.endpoint)
        key_of(config)
    return known_price(config, budget)


def known_price(config: TeacherConfig, budget: BudgetConfig) -> KnownPrice | None:
    """The price of a teacher, which a budget in dollars needs; None when nobody knows it.

    Raises:
        RecipeError: There is such a budget and the price is unknown, or a table cannot be read.
    """
    known = price_of(config)
    if known is None and config.endpoint == litellm.NAME:
        known = litellm.litellm_price(config.model)
    if known is None and budget.dollars is not None:
        raise RecipeError(
            f"the price of {config.model!r} is unknown, so a budget in dollars cannot be kept: set "
            "teacher.price to {input: ..., output: ...} in dollars for a million tokens"
        )
    return known
