"""What programs written for transparent-background 1.3.4 use beside the command and ``Remover.process``.

It goes on working, and says by a DeprecationWarning what to use now. It is loaded when it is used.
"""
