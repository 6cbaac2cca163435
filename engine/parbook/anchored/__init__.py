"""The anchored token: a basket, its ratio, minting, redemption, and the proof that the backing is there."""
