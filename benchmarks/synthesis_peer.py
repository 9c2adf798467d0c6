"""distilabel 1.5.3 at the recorded endpoint: prompts in, one row each out, its own cache.

Runs in an environment of its own (``make bench-env``), and imports nothing of ours:

    .distilabel-venv/bin/python benchmarks/synthesis_peer.py JSON

It prints how many rows it wrote, how many of these are empty, and the error, if any, with which it
refused to give them back: the file of a batch that is all empty has another type than the others.

JSON holds ``url``, ``prompts`` (a JSONL file of strings), ``folder`` (for its cache), ``batch``
(requests that it sends together; it waits for all before the next) and ``timeout`` (seconds).
"""

import json
import os
import sys
from importlib import metadata
from pathlib import Path

# Before the libraries are imported, which read them.
os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}


def main() -> None:
    given = json.loads(sys.argv[1])
    os.environ["HF_HOME"] = str(Path(given["folder"]) / "hub")
    import pyarrow as pa
    import pyarrow.parquet as pq
    from distilabel.models import OpenAILLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import TextGeneration

    prompts = [json.loads(line) for line in Path(given["prompts"]).read_text().splitlines()]
    rows = [{"instruction": prompt} for prompt in prompts]
    with Pipeline(name="recorded", cache_dir=Path(given["folder"]) / "cache") as pipeline:
        load = LoadDataFromDicts(name="load", data=rows, batch_size=given["batch"])
        llm = OpenAILLM(
            model="recorded",
            base_url=given["url"],
            api_key="none",
            timeout=given["timeout"],
            generation_kwargs={"max_new_tokens": 512, "temperature": 1.0},
        )
        load >> TextGeneration(name="write", llm=llm, input_batch_size=given["batch"])
    refused = ""
    try:
        pipeline.run(use_cache=True)
    except pa.ArrowException as error:
        refused = type(error).__name__
    written = Path(given["folder"]).glob("cache/**/steps_outputs/write/*.parquet")
    made = [text for part in written for text in pq.read_table(part)["generation"].to_pylist()]
    found = {"rows": len(made), "empty": sum(not text for text in made), "refused": refused}
    print(json.dumps({**found, "version": metadata.version("distilabel")}))


if __name__ == "__main__":
    main()
