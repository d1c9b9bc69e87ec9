-- The database and its two accounts, made by a superuser; harmless when run again.
--
--   LETTERHEAD_OWNER_PASSWORD=… LETTERHEAD_LOGIN_PASSWORD=… psql --file deploy/roles.sql
--
-- letterhead_owner owns the schema and is used by `letterhead migrate` alone; it makes the roles
-- letterhead_tenant and letterhead_system and grants them. letterhead_login is what the running
-- program signs in as: it owns nothing, inherits nothing and sees nothing outside those roles.
\set ON_ERROR_STOP on
\set QUIET on
-- Read here rather than given as arguments, which every account of a machine can list.
\set owner_password `printf %s "$LETTERHEAD_OWNER_PASSWORD"`
\set login_password `printf %s "$LETTERHEAD_LOGIN_PASSWORD"`

SELECT format('CREATE ROLE %I', name) FROM (VALUES ('letterhead_owner'), ('letterhead_login')) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE letterhead_owner WITH LOGIN CREATEROLE NOSUPERUSER NOCREATEDB NOBYPASSRLS PASSWORD :'owner_password';
ALTER ROLE letterhead_login WITH LOGIN NOINHERIT NOCREATEROLE NOSUPERUSER NOCREATEDB NOBYPASSRLS PASSWORD :'login_password';

SELECT 'CREATE DATABASE letterhead OWNER letterhead_owner ENCODING ''UTF8'' TEMPLATE template0'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'letterhead') \gexec

REVOKE ALL ON DATABASE letterhead FROM PUBLIC;
GRANT CONNECT ON DATABASE letterhead TO letterhead_login;

\connect letterhead
-- Before PostgreSQL 15 everybody could create in it, and its owner was the superuser.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO letterhead_owner;
