"""multicapa beside other libraries: the same networks on the same arrays, measured in turn."""
