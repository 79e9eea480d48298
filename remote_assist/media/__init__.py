"""The packets. Never knows what a packet costs."""
