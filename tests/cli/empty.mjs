// Nothing: how long node itself takes to start.
