"""The tests. What each kind is for is in CONTRIBUTING.md."""
