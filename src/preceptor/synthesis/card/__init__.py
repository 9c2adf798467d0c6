"""A set of instructions looked at whole: what is asked, how varied it is, what it overlaps with.

``survey`` counts, ``writing`` writes the counts as a data set card, a page and JSON.
"""
