# Stands in for postgis/postgis: Debian's PostgreSQL 15 with PostGIS under the image's paths, user, words and folders.
ARG DEBIAN=rantai-stand-in/debian:bookworm
FROM ${DEBIAN}
# The image's own number for the user: a volume keeps its owner when the real image comes back. Packages of servers
# make a cluster of their own unless they are told not to.
RUN groupadd --system --gid 999 postgres \
    && useradd --system --uid 999 --gid 999 --home-dir /var/lib/postgresql --shell /bin/bash postgres \
    && mkdir -p /etc/postgresql-common/createcluster.d \
    && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/none.conf \
    && apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql-15-postgis-3 postgresql-15-postgis-3-scripts \
    && rm -rf /var/lib/apt/lists/* \
    && echo "listen_addresses = '*'" >> /usr/share/postgresql/15/postgresql.conf.sample \
    && install --directory --owner=postgres --group=postgres --mode=3777 /var/run/postgresql \
    && install --directory --owner=postgres --group=postgres --mode=1777 /var/lib/postgresql/data \
    && mkdir /docker-entrypoint-initdb.d
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 PGDATA=/var/lib/postgresql/data
COPY postgis-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
COPY postgis-initdb.sh /docker-entrypoint-initdb.d/10_postgis.sh
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
EXPOSE 5432
ENTRYPOINT ["sh", "/usr/local/bin/docker-entrypoint.sh"]
CMD ["postgres"]
