"""One suite for every provider: what its webhooks must withstand, on `verify` and `parse` themselves and over HTTP.

What a provider hands over, the pure cases and the fuzz are `adapters.testing`, for packages of others too.

- `harness`       every `Harness` of `tests/adapters/`, found by itself
- `matrix`        the cases of the matrix, and what each must answer and change
- `runner`        the matrix against a running gateway process
- `test_pure`, `test_matrix`, `test_fuzz`, `test_outside`  the tests; `python3 run.py prove channels` prints the matrix

To take part: `tests/adapters/<channel>/<provider>_requests.py` with a class `Harness(HarnessBase)`. Nothing else.
"""
