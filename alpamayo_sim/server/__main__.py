"""`python -m alpamayo_sim.server`."""

from __future__ import annotations

from alpamayo_sim.server.main import main

raise SystemExit(main())
