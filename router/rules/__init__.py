"""Rule sets: ordered rules, the first whose condition holds says where a contact goes. Pure, bounded by construction.

- `fields`      what conditions may look at, of which kind each value is, and the operators of each kind
- `language`    the Structs of a rule set; `reading` makes them of JSON or YAML (`yaml_text`) and knows the lines
- `checking`    what is wrong with a condition, with its place and the remedy; `patterns` are RE2's
- `actions`     what is wrong with what a rule does; `templates` are sentences with values in them
- `problems`    all of that for a rule set; `naming` what there is to name
- `compiling`   conditions as closures
- `acting`      what a rule does, worked out once
- `deciding`    the decision, and the trace that explains it
- `implying`    what one condition says of another
- `linting`     rules that can never take a contact, contradictions, a missing default, skills nobody has
- `cases`       a rule set's own test cases
- `comparing`   what differs between two rule sets
"""
