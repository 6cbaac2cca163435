"""Memory for the events a batch answers with. Made by the compiled market; nothing here is for callers."""

from typing import final

@final
class Block:
    """Bytes under one owner, readable and writable through the buffer protocol."""
