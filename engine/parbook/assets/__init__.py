"""Loans and other assets: what they will pay, what that is worth, who reads and who reports it.

`terms` holds the model's parameters, `kinds` the assets, `reference_value` the formulas in plain Python (the
specification of parbook._value), `portfolio` a million assets as arrays, `valuation` fair values in three bands. How a
pool shares what comes in is `parbook.pools`, in integers; here are doubles, quantised once at the end.
"""
