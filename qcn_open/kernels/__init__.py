"""Compiled inner loops on plain arrays. They are imported where they are called, because Numba takes long to load."""

__all__: list[str] = []
