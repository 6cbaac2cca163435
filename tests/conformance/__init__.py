"""Scenario files of other engines, run through parbook: every difference has a rule, every rule a difference."""
