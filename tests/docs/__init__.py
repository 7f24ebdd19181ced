"""The documents are true: commands run as written, links lead somewhere, names exist, numbers are right."""
