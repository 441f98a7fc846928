"""The images: the tutorial's JSON, and the three splits as arrays.

Imports files; reached by fetch, prepare, configure and every stage that trains or scores.
"""
