"""What each attempt of the capture came to, and what the attempts on one port say of it. Knows no rules beyond a `Demand`."""
