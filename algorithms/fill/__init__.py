"""Fill gaps: the group of gap-filling methods."""
