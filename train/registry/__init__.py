"""Fitted versions: artefacts, their checks, and which is the champion."""
