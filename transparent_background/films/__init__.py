"""Films: from frames to mattes to a film, overlapped. Imports no torch until a film is worked on."""
