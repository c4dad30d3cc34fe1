"""A page, an HTTP service and an MCP server on top of the remover; needs the extra ``web``."""
