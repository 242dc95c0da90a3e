"""Random operations, graphs and files: tools to be run by hand for long, and by the tests for a short while."""
