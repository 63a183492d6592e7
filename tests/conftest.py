"""Settings of all tests."""

from hypothesis import settings

# A test never measures speed: how long an example takes says nothing on a loaded machine.
settings.register_profile("yuansheng", deadline=None)
settings.load_profile("yuansheng")
