"""Any system of a company's own, by HTTP signed as Standard Webhooks has it, both ways."""
