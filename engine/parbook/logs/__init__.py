"""Readers of historical order logs, and the generator of synthetic ones."""
