"""Running a suite of routes over many processes, so that nothing that dies on the way changes the result."""
