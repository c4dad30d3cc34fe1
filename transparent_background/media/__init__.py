"""Reading and writing: pictures, and what a source is. Nothing here looks at what a picture shows."""
