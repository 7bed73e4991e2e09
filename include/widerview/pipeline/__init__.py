"""Pipeline: the steps that the DAGs and the command line wire together; the only place that meets Airflow."""
