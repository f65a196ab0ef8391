"""Past partitions scored safely: what stands in each, what was done to it, what is left to do. Nothing here acts."""
