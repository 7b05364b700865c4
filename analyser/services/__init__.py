"""Flows to services: what each flow speaks and what that label rests on."""
