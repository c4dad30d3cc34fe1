"""An MCP server: tools by which assistants cut out pictures, over standard input and output or HTTP."""
