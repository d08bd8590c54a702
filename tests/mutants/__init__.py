"""Known bugs as patches, and the tests that must turn red for each: the proof that the tests bite.

- `run`         the runner behind `run.py mutants [NAME…]`
- `mutant`      a patch file as a Struct: what it breaks, which invariant, which tests
- `workshop`    copies of the checkout, patches, and one pytest run with its verdict
- `NAME.patch`  a unified diff against the root of the checkout, under a header of `# key: value` lines
"""
