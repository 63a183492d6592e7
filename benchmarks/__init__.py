"""Speed, memory and growth, measured beside peers: `python -m benchmarks`. How to read it: `docs/benchmarks.md`."""
