"""Does election work: runs -> measure -> policies, stops -> section -> report; alignment apart."""
