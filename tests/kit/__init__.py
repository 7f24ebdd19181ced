"""What tests share: running nodes, and stand-ins for the outside world."""
