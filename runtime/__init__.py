"""The runtime wing: what generated modules import, and the hosts that run them durably."""
