# Widerview on the official Airflow image, with exactly the versions of our lock.
FROM apache/airflow:slim-3.3.2-python3.12

# Made first, so that all below, and the volumes mounted here, belong to the user that Airflow runs as.
USER root
RUN install -d -o airflow -g 0 -m 775 /opt/widerview /opt/airflow \
        /opt/airflow/clients /opt/airflow/landing /opt/airflow/logs /opt/airflow/mail /opt/airflow/secrets
# Pango sets the text of the PDFs.
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    && rm -rf /var/lib/apt/lists/*
USER airflow

# `sync`, not `install`: what the base image has beside the lock goes away. Wheels only: the image has no compiler.
COPY --chown=airflow:0 requirements.txt /opt/widerview/
RUN uv pip sync --no-cache --require-hashes --only-binary :all: --compile-bytecode /opt/widerview/requirements.txt

COPY --chown=airflow:0 pyproject.toml requirements.in README.md LICENSE /opt/widerview/
COPY --chown=airflow:0 include /opt/widerview/include
RUN uv pip install --no-cache --no-deps --no-build-isolation --editable /opt/widerview \
    && python -m compileall -q /opt/widerview/include \
    && uv pip check \
    && widerview sources

COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 plugins /opt/airflow/plugins
