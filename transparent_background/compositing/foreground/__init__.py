"""The object's own colours along soft edges."""
