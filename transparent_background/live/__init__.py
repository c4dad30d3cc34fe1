"""Cameras: frames to mattes to a virtual camera, a window or a film, as they come."""
