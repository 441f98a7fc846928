"""The one exception that users see as a single line."""


class InputError(Exception):
    """Something a user gave is not usable; the message is the line to show: file, key, value, what is allowed."""
