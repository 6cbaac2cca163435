"""The insurance fund: cash, stake in shares, premiums, slashing, and the sale of what was seized."""
