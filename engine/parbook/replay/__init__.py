"""Replay of recorded order logs: rebuild and verify a venue's book, or match its orders anew, with or without a curve.

Where things stand:
    book      a book by order id            listing   listing.toml -> curve parameters
    rebuild   mode book, ITCH               anchors   where the curve's fair price comes from
    truth     mode book, LOBSTER            measure   what the curve did
    translate log records -> commands       timeline  samples for the report, bounded in number
    rematch   mode match                    result    what a replay returns
    run       from paths to a result
"""
