"""Backbones: what gives the five maps that a head takes."""
