-- Addresses of sessions as they are stored from now on: without a port, in one spelling.
UPDATE sessions SET ip = host(written.address::inet)
FROM (
  SELECT id, regexp_replace(ip, '^(?:\[(?:::ffff:)?([^]]+)\](?::\d+)?|(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)(?::\d+)?)$', '\1\2', 'i') AS address
  FROM sessions
) AS written
WHERE written.id = sessions.id
  AND CASE WHEN pg_input_is_valid(written.address, 'inet') THEN host(written.address::inet) <> sessions.ip ELSE false END;
