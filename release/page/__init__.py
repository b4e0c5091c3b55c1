"""The page of releases: a read-only web page for the staff that shows all services, live."""
