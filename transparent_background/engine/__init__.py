"""How a network is run: which form, with what precision, by which runtime; decided in one place."""
