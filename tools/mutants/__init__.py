"""Planted faults: does a test go red when the market is wrong? `make mutants`, or `python -m tools.mutants --help`.

The tables of faults lie in `faults/*.txt`; their format stands in `fault`. Each fault is planted alone in a copy of the
checkout, never in the checkout itself; the core is rebuilt when the fault is compiled; checks run until one goes red.
A fault that no check sees is a rule without a test. So is one that only the comparison of reference and core sees, when
it was planted in the reference: nothing but its twin knows the rule. The summary counts those apart.
"""
