"""Simulating a day: `reading` its files, `summing` up what came of it, `drawing` it. The router is in
`router.simulation`."""
