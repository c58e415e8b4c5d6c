"""The player's part of Python.

In the browser this folder is the package `_livedoc`, beside the standard library. So its modules import each other by
relative names.
"""
