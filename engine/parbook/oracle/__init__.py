"""From observations to an accepted anchor: a feed for each instrument. Pure integers; `signing` is its edge."""
