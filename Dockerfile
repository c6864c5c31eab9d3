# Two stages: the first resolves nothing, it installs the locked, hashed list; the second carries no build tools.
# The digest-free tags name a minor version and a Debian release; pin digests in your own registry if you mirror.
# BUILD_BASE: the same with a pip.conf and certificates of this machine, for the first stage alone (`make images`).
ARG BUILD_BASE=python:3.12.12-slim-bookworm
FROM ${BUILD_BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/venv
COPY requirements.lock /tmp/requirements.lock
RUN /opt/venv/bin/pip install --require-hashes --requirement /tmp/requirements.lock
WORKDIR /app
COPY . .
# As in a checkout: a path file and a starter, no build back-end that no hash pins.
RUN echo /app > "$(/opt/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/rantai.pth" \
    && printf '#!/opt/venv/bin/python\nimport sys\n\nfrom rantai.cli import main\n\nsys.exit(main())\n' > /opt/venv/bin/rantai \
    && chmod 755 /opt/venv/bin/rantai \
    && /opt/venv/bin/python -m compileall -q /app /opt/venv

FROM python:3.12.12-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 RANTAI_API__HOST=0.0.0.0 RANTAI_LOG__JSON_LINES=true
# The broker's image uses 1883 too: both can read and write the shared folder of the broker's users.
RUN groupadd --gid 1883 rantai && useradd --uid 1883 --gid 1883 --no-create-home --home-dir /app rantai
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
USER rantai
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["rantai"]
CMD ["api"]
