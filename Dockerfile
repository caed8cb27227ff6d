# syntax=docker/dockerfile:1
# One image for every role: `docker run signalman gateway`, `docker run signalman relay`.

FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/signalman
# The locked dependencies first: they change less often than the source, so this layer is kept.
COPY requirements.lock .
RUN /opt/signalman/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY config config
COPY channels channels
COPY signalman signalman
RUN pip install "hatchling>=1.27" \
 && pip wheel --no-deps --no-build-isolation -w /wheels . \
 && /opt/signalman/bin/pip install --no-deps /wheels/*.whl

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="Signalman" \
      org.opencontainers.image.description="Real-time WebSocket event broadcaster" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin signalman
COPY --from=build /opt/signalman /opt/signalman
ENV PATH=/opt/signalman/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER signalman
# gateway and serve listen on 18009; the relay's health and metrics on 18010
EXPOSE 18009 18010
# Liveness of whichever role runs here: the gateway answers on the first port, a relay on the second.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["python", "-c", "import sys, urllib.request as u\nfor port in (18009, 18010):\n    try:\n        u.urlopen(f'http://127.0.0.1:{port}/healthz', timeout=1); sys.exit(0)\n    except OSError:\n        pass\nsys.exit(1)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["signalman"]
CMD ["gateway"]
