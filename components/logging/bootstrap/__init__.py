"""What sets Elasticsearch and Kibana up: the CronJob, and the program it runs."""
