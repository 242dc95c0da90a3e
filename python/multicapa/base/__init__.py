"""What knows nothing of networks: checks of arguments, errors, arrays, views, records, threads."""
