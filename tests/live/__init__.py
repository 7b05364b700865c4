"""Real programs in network namespaces, recorded while the test runs."""
