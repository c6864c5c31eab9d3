#!/bin/sh
# What PostGIS's image leaves in POSTGRES_DB. The last two put their schemas on the database's search_path, as there.
set -eu
for extension in postgis postgis_topology fuzzystrmatch postgis_tiger_geocoder; do
  psql --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" --command="CREATE EXTENSION IF NOT EXISTS $extension"
done
