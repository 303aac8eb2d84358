-- AlterEnum
ALTER TYPE "friend_request_status" ADD VALUE 'withdrawn';

-- Keys of requests end with the request before, no longer with a number: the last is found under the first's.
UPDATE notification_causes c SET key = 'friend_request:' || c.actor_id || ':' || c.user_id || ':first'
FROM (
  SELECT DISTINCT ON (actor_id, user_id) key, user_id FROM notification_causes
  WHERE key LIKE 'friend\_request:%' AND key ~ ':[0-9]+$' ORDER BY actor_id, user_id, at DESC
) AS last
WHERE c.key = last.key AND c.user_id = last.user_id AND NOT EXISTS (
  SELECT FROM notification_causes AS other
  WHERE other.key = 'friend_request:' || c.actor_id || ':' || c.user_id || ':first' AND other.user_id = c.user_id);
