"""Any system of a company's own, by signed HTTP.

- `standard`  signed as Standard Webhooks has it, both ways
"""
