"""Who owns what of a pool: tranches, waterfall, limits, write-offs. Pure integer functions, small checked records."""
