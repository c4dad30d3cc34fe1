"""Soft edges with known truth: composites of held-out cut-outs, and what mattes of them lack."""
