"""Reading and writing pictures, films, cameras and addresses. Nothing here looks at what a picture shows."""
