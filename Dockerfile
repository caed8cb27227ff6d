# syntax=docker/dockerfile:1
# One image for every role: `docker run signalman gateway`, `docker run signalman relay`.

FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# What runs for every event is compiled, see pyproject.toml.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/signalman
# The locked dependencies first: they change less often than the source, so these layers are kept.
COPY requirements.lock requirements-build.lock ./
RUN /opt/signalman/bin/pip install --only-binary=:all: --require-hashes -r requirements.lock \
 && pip install --only-binary=:all: --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md ./
COPY config config
COPY channels channels
COPY signalman signalman
RUN HATCH_BUILD_HOOK_ENABLE_MYPYC=1 pip wheel --no-deps --no-build-isolation -w /wheels . \
 && /opt/signalman/bin/pip install --no-deps /wheels/*.whl \
 && /opt/signalman/bin/signalman check

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="Signalman" \
      org.opencontainers.image.description="Real-time WebSocket event broadcaster"
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin signalman
COPY --from=build /opt/signalman /opt/signalman
ENV PATH=/opt/signalman/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
# By number: Kubernetes' runAsNonRoot does not know names.
USER 10001
# gateway and serve listen on 18009; the relay's health and metrics on 18010
EXPOSE 18009 18010
# Liveness of whichever role runs here, on the ports as they are or as the environment sets them.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["python", "-c", "import http.client, os, sys\nfor name, port in (('GATEWAY', '18009'), ('RELAY', '18010')):\n    port = int(os.environ.get(f'SIGNALMAN_{name}__PORT', port))\n    try:\n        asked = http.client.HTTPConnection('127.0.0.1', port, timeout=1)\n        asked.request('GET', '/healthz')\n        if asked.getresponse().status == 200:\n            sys.exit(0)\n    except (OSError, http.client.HTTPException):\n        pass\nsys.exit(1)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["signalman"]
CMD ["gateway"]
