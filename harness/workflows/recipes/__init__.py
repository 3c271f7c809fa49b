"""The example workflows as data, one file a method, with the notes that explain them."""
