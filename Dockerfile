# One image for the night, the API and the app: `docker build -t retail-feature-store .`
# For the API alone, with half of the packages: add `--build-arg REQUIREMENTS=requirements-serve.lock`.
# It is run by tests/test_deploy.py, step by step, without Docker.

FROM python:3.11-slim-bookworm AS packages
ARG REQUIREMENTS=requirements.lock
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
COPY deploy deploy
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --quiet --no-deps --require-hashes -r "deploy/$REQUIREMENTS"

FROM python:3.11-slim-bookworm
COPY --from=packages /opt/venv /opt/venv
# .dockerignore names what that is
COPY . /app
# a volume takes over the owner of the folder that it is mounted on
RUN mkdir /data /inbox && chown 10001:10001 /data /inbox
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    DO_NOT_TRACK=1 \
    DBT_TARGET_PATH=/tmp/dbt/target \
    DBT_LOG_PATH=/tmp/dbt/logs \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    XDG_STATE_HOME=/data/state \
    WAREHOUSE_PATH=/data/warehouse.duckdb
# nobody in particular: code belongs to root and cannot be changed from within
USER 10001:10001
EXPOSE 8000 8501
# of the API; compose.yaml has the app's, and the night has none
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/', timeout=4)"]
ENTRYPOINT ["python", "-m", "operate.shop"]
# it asks for API_KEYS, or for --insecure where something in front of it asks
CMD ["api", "--host", "0.0.0.0"]
