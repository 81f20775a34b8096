"""The page and its HTTP interface: drop a picture, see the difference, keep the result."""
