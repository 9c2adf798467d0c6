"""What a synthesis stage can be asked for.

Known of BioInstruct (arXiv 2310.19975): three demonstrations, drawn at random from the seeds and
shown with instruction, input and output; seeds only, never the teacher's own tasks. Inferred from
the released records: the ROUGE-L threshold and Alpaca's filters. What the paper leaves open is a
setting here, and its default is our choice: tasks per request, temperature, top p, the length of a
reply, how many requests go out at once, and (by ``protocol``) the wording of the prompt.
"""

from typing import Literal

from pydantic import Field

from preceptor.config import Config


class TeacherConfig(Config):
    """The model that writes the tasks, and how it samples."""

    model: str = "embedded:smollm2-135m"
    """GPT-4 in the paper."""
    temperature: float = Field(default=0.8, ge=0)
    """0 is greedy. Unknown in the paper; Alpaca used 1.0."""
    top_p: float = Field(default=0.95, gt=0, le=1)
    """Unknown in the paper; Alpaca used 1.0."""
    max_new_tokens: int = Field(default=192, ge=1)
    """Length of a reply. Unknown in the paper."""
    batch: int = Field(default=16, ge=1)
    """Requests sent together. It decides the text too: a batch shares one stream of random bits."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"

    def sampling(self) -> dict[str, float | int | str]:
        """What, besides the weights, the prompts and the seed, decides a reply."""
        return {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_new_tokens": self.max_new_tokens,
            "dtype": self.dtype,
        }


class SynthesisConfig(Config):
    """From seed tasks to instructions."""

    seeds: str = "biomedical"
    """A packaged set, or the path of a JSONL file. The paper's 80 seeds are not published."""
    protocol: Literal["bioinstruct"] = "bioinstruct"
    """Names the prompt template. The paper's wording is unknown: this one is ours."""
    demonstrations: int = Field(default=3, ge=1)
    """Seeds shown in a prompt (the paper's 3)."""
    tasks_per_request: int = Field(default=1, ge=1)
    """How many new tasks a prompt asks for; a reply with more is used whole. Unknown in the paper;
    Alpaca asked for 20."""
    requests: int = Field(default=48, ge=1)
    """How many prompts are sent at most."""
    target: int | None = Field(default=None, ge=1)
    """Send no further batch once so many instructions are kept; None sends them all."""
    rouge_l: float = Field(default=0.7, ge=0, le=1)
    """An instruction with a ROUGE-L F above this to a seed or a kept one is dropped."""
    teacher: TeacherConfig = TeacherConfig()
