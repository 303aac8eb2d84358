-- A user with a service on offer is a master.
UPDATE "users" u SET "is_master" = true
  WHERE NOT "is_master" AND EXISTS (SELECT FROM "services" s WHERE s."master_id" = u."id" AND s."archived_at" IS NULL);
