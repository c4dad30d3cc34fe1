"""What makes the data that the bundled model is trained on: run from a clone, in no installed package.

Each module is a program: ``python -m training.cutouts --help``.
"""
