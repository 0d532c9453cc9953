"""How long a failover takes, beside promotion by hand, Patroni and repmgr."""
