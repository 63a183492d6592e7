"""`python -m feedback`, the same as `feedback`."""

from feedback.cli import main

main()
