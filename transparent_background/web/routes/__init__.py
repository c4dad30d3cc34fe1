"""The HTTP service's paths, a module for each kind of thing."""
