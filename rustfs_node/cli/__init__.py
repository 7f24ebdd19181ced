"""The command line: arguments in, words for people out. Everything else is done by the rooms it calls."""
