"""The commands of `payments`, one module per concern. Heavy imports live inside the functions: help must be quick."""
