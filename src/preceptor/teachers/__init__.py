"""Language models that are asked: what is asked, how fast, at what price, and what came back."""
