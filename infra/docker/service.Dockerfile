# The service: scores, metrics and the collector of events over HTTP. Extra: api.
# Build from the repository's root: docker build -f infra/docker/service.Dockerfile -t shopwright-service .

FROM python:3.12-slim-bookworm@sha256:782412e85d0f0984994c290652577d4018aff08145c85b262bb63dc0c7522254 AS build
WORKDIR /build
COPY requirements/installer.lock requirements/service.lock requirements/dev.lock requirements/
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements/installer.lock \
    && uv venv /opt/shopwright \
    && uv pip sync --no-cache --python /opt/shopwright --require-hashes --compile-bytecode requirements/service.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY src src
RUN uv build --no-cache --wheel --require-hashes --build-constraints requirements/dev.lock \
    && uv pip install --no-cache --python /opt/shopwright --no-deps --compile-bytecode dist/*.whl

FROM python:3.12-slim-bookworm@sha256:782412e85d0f0984994c290652577d4018aff08145c85b262bb63dc0c7522254
# hadolint ignore=DL3008  # the base image decides which Debian it is, and with it the version
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home shopwright \
    && install --directory --owner shopwright /project
COPY --from=build /opt/shopwright /opt/shopwright
ENV PATH=/opt/shopwright/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DO_NOT_TRACK=1
USER 10001
WORKDIR /project
VOLUME /project
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["shopwright"]
CMD ["serve", "--project", "/project", "--host", "0.0.0.0", "--port", "8000"]
