"""What a venue wants to know before it lists a unit: every line of the listing report. docs/listing.md."""

from __future__ import annotations

from parbook.disclosure.records import ListingReport
from parbook.disclosure.report import listing_report

__all__ = ["ListingReport", "listing_report"]
