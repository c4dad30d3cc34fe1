"""What every doorway serves: queue, workers, limits, pictures, films, cameras. Knows nothing of HTTP."""
