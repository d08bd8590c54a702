"""Rule sets: ordered rules, the first whose condition holds says where a contact goes. Pure, bounded by construction.

- `fields`      what conditions may look at, of which kind each value is, and the operators of each kind
- `language`    the Structs of a rule set and reading one
- `checking`    what is wrong with a condition or a rule, with its place and the remedy
- `compiling`   conditions as closures
- `deciding`    the decision, and the trace that explains it
- `implying`    what one condition says of another
- `linting`     rules that can never take a contact, contradictions, a missing default
- `cases`       a rule set's own test cases
- `comparing`   what differs between two rule sets
"""
