"""What happened, when, and what it costs. Never knows what a packet is."""
