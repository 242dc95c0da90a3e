"""Numbers and structure of a network: its graph, the core behind it, its table, its drawing, its file."""
