"""How each operation, initializer, layer and input array is spelled in each framework: rows of data, and their loader."""
