"""Leaving at a formula price: `desk` at once, `queue` at the end of an epoch, `tranches` who of them first.

See docs/redemption.md. Import the modules: each has a `check` and an `opened` of its own.
"""
