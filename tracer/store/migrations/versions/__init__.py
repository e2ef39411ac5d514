"""One file per schema revision; a file that was released is never changed."""
