"""Settings of every test run."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No test may depend on how fast the machine is: the sanitized build is twenty times slower.
settings.register_profile("parbook", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("parbook")
