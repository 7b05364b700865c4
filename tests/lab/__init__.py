"""A site in network namespaces: a real firewall between its parts, programs that speak through it, and what a capture must say."""
