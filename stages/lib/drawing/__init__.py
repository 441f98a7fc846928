"""The figures; nothing else of the stages imports matplotlib.

Imports files; reached by compare, illustrate and survey.
"""
