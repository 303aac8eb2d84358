-- Run once by the container, when its volume is empty: the app's role owns its database and may do nothing else.
\getenv password POSTGRES_PASSWORD
CREATE ROLE service_platform LOGIN PASSWORD :'password';
CREATE DATABASE service_platform OWNER service_platform;
-- The superuser signs in from inside the container only, where no password is asked for.
ALTER ROLE postgres PASSWORD NULL;
