#!/bin/bash
# Run once, by the image of PostgreSQL, when its data folder is made. The pipeline's role may make
# the reader and Airflow's database, which the service `init` does through Encours's own code; it
# is no superuser, and since PostgreSQL 16 it has no power over roles that it did not make.
set -euo pipefail

psql --set=ON_ERROR_STOP=1 --no-psqlrc --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --set=pipeline_password="$PIPELINE_PASSWORD" --set=metabase_password="$METABASE_DB_PASSWORD" \
    <<'SQL'
create role encours_pipeline login createrole createdb password :'pipeline_password';
create database encours owner encours_pipeline;
create role metabase login password :'metabase_password';
create database metabase owner metabase;
-- Neither role, nor the reader, has any business in the databases of the others.
revoke all on database metabase, postgres, template1 from public;
-- The one way to write left to a role without rights: it may lift its own read-only.
\connect encours
revoke execute on function lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) from public;
SQL
