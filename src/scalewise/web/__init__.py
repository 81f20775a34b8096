"""Web page and HTTP interface to restore images."""
