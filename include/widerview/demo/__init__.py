"""The demo: the whole of Widerview on one machine, from nothing, with sample clients or real public accounts."""
