"""The code location that workspace.yaml names. Belongs here: nothing but the call; see build."""

from orchestration.build import build_defs

defs = build_defs()
