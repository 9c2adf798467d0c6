"""Every error that Preceptor raises on purpose.

    PreceptorError              exit 1: it was asked for rightly, and failed
    ├── StageError              a stage could not be finished (a loss that is not finite)
    ├── BudgetReachedError      a budget is spent; what was paid for is kept
    ├── TeacherError            a model behind an endpoint cannot be reached or used
    └── InputError              exit 2: what was given cannot be used; nothing was changed
        ├── RecipeError         a recipe: not YAML, an unknown key, a value out of range
        ├── TaskError           a task file, or a template in it
        ├── RowError            a row of a data set, or a data set with none
        ├── SeedError           a file of seed tasks
        ├── ModelError          a model that is missing, incomplete or of an unknown kind
        ├── ArtifactError       an output folder of something else, or changed by hand
        └── StorageError        a disk that is full or may not be written

A message says what is wrong, where, and what to do next, in one line.
"""


class PreceptorError(Exception):
    """Root of the tree; ``exit_code`` is what the command line returns."""

    exit_code = 1


class StageError(PreceptorError):
    """A stage could not be finished."""


class BudgetReachedError(PreceptorError):
    """A budget in dollars, tokens, calls or hours is spent; what was paid for is kept."""


class TeacherError(PreceptorError):
    """A model behind an endpoint cannot be reached, or refuses every call."""


class InputError(PreceptorError):
    """What was given cannot be used."""

    exit_code = 2


class RecipeError(InputError):
    """A recipe is not YAML, has an unknown key or a value out of range."""


class TaskError(InputError):
    """A task file or one of its templates is wrong."""


class RowError(InputError):
    """A row lacks what its task needs, or a data set has no rows."""


class SeedError(InputError):
    """A file of seed tasks is wrong."""


class ModelError(InputError):
    """A model is missing, incomplete or of an unknown kind."""


class ArtifactError(InputError):
    """An output folder belongs to something else or was changed by hand."""


class StorageError(InputError):
    """A disk is full or may not be written."""
