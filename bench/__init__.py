"""Measurements, not tests: `make bench` prints figures that the README and issues quote."""
