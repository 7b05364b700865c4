"""What no rule explains: infrastructure, translated addresses, and flows that nobody ordered."""
