"""Where things stand: each dataset's recovery point, told at the terminal, to Prometheus and to people."""
