"""Where in our towns each scenario type can be played: the generator of the suites' route files.

`python -m alpamayo_scenarios.placement` writes `suites/abilities.xml` and `suites/smoke.xml` anew.
"""
