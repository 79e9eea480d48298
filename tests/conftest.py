"""House rules for every test."""

from hypothesis import settings

# A busy machine is no bug: no test here may fail by the clock. A failure prints how to replay it.
settings.register_profile("house", deadline=None, database=None, print_blob=True)
settings.load_profile("house")
