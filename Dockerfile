# Widerview on the official Airflow image, with the versions of our lock.
FROM apache/airflow:slim-3.3.2-python3.12

COPY --chown=airflow:0 requirements.txt /opt/widerview/
RUN uv pip install --no-cache --require-hashes --compile-bytecode -r /opt/widerview/requirements.txt

COPY --chown=airflow:0 pyproject.toml requirements.in README.md LICENSE /opt/widerview/
COPY --chown=airflow:0 include /opt/widerview/include
RUN uv pip install --no-cache --no-deps --no-build-isolation --editable /opt/widerview

COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 plugins /opt/airflow/plugins

# Volumes take over the owner of the folder they are mounted on.
USER root
RUN install -d -o airflow -g 0 -m 775 /opt/airflow/clients /opt/airflow/landing /opt/airflow/logs /opt/airflow/secrets
USER airflow
