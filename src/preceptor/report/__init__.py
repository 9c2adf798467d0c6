"""One self-contained HTML page about a run: what it did, what it showed, what came from where."""
