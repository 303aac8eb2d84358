-- Run once by the container, when its volume is empty. The app's role owns its database and has no other rights.
\getenv password POSTGRES_PASSWORD
CREATE ROLE service_platform LOGIN PASSWORD :'password';
CREATE DATABASE service_platform OWNER service_platform;
-- The superuser signs in only from inside the container, without a password.
ALTER ROLE postgres PASSWORD NULL;
