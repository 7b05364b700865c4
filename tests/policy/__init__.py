"""Rules and sites: what is read, and how mistakes are told."""
