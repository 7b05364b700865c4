"""What the flows stage makes of single packets, one fact a test."""
