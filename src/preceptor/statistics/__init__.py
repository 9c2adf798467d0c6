"""Numbers in, numbers out: intervals, paired tests and corrections for several tests."""
