"""Liquidity support: money bonded next to the curve's reserve, which earns its spread and shares its losses."""
