"""HTTP. Holds no rules: each route is one service call."""
