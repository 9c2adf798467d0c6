"""Tasks as data: YAML files, their templates, rows and checks (docs/tasks.md)."""
