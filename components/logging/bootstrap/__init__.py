"""The bootstrap of Elasticsearch and Kibana: a CronJob, and the program that it runs, `job`."""
