"""Formats of instruction data, in and out; pure functions over records and files."""
