"""Files that appear whole or not at all, as tables or lines, and the error that ends a stage in one line.

Imports nothing of the project; every stage reaches it.
"""
