"""`python -m alpamayo_sim.render.service`."""

import sys

from alpamayo_sim.render.service.main import main

sys.exit(main())
