"""What all settings have in common: unknown keys and silent conversions are refused."""

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, model_validator


class Config(BaseModel):
    """A frozen group of settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, values: Any) -> Any:
        """YAML reads yes and on as true, which pydantic would take for the number 1."""
        if isinstance(values, dict):
            for name, value in values.items():
                field = cls.model_fields.get(name)
                if not isinstance(value, bool) or field is None:
                    continue
                if bool not in (field.annotation, *get_args(field.annotation)):
                    raise ValueError(
                        f"{name} cannot be true or false (YAML reads yes, no, on, off so)"
                    )
        return values
