"""Trainings as others published them: a YAML file each, made of a few common parts."""
