"""Templates of promptsource (bigscience-workshop/promptsource) made into task files."""
