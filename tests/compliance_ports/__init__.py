"""Port findings from made flows: no packets, one fact per test."""
