-- E-mail addresses in the one form of `canonicalEmail` (ADR 20). Where two accounts would have the same, the one that
-- has it already keeps it, or else the oldest gets it; the others stay as they are (docs/runbook.md).

-- A label of a domain as people read it (RFC 3492); what cannot be read stays.
CREATE FUNCTION pg_temp.readable(label text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  input text := substr(label, 5);
  output text := regexp_replace(input, '-?[^-]*$', '');
  at int := CASE WHEN output = '' AND input NOT LIKE '-%' THEN 1 ELSE length(output) + 2 END;
  code bigint := 128;
  bias bigint := 72;
  place bigint := 0;
  before bigint;
  weight bigint;
  threshold bigint;
  digit bigint;
  delta bigint;
  k bigint;
BEGIN
  WHILE at <= length(input) LOOP
    before := place;
    weight := 1;
    k := 36;
    LOOP
      digit := strpos('abcdefghijklmnopqrstuvwxyz0123456789', substr(input, at, 1)) - 1;
      IF digit < 0 OR at > length(input) THEN RETURN label; END IF;
      at := at + 1;
      place := place + digit * weight;
      threshold := least(greatest(k - bias, 1), 26);
      EXIT WHEN digit < threshold;
      weight := weight * (36 - threshold);
      k := k + 36;
    END LOOP;
    delta := (place - before) / CASE WHEN before = 0 THEN 700 ELSE 2 END;
    delta := delta + delta / (length(output) + 1);
    bias := 0;
    WHILE delta > 455 LOOP
      delta := delta / 35;
      bias := bias + 36;
    END LOOP;
    bias := bias + 36 * delta / (delta + 38);
    code := code + place / (length(output) + 1);
    place := place % (length(output) + 1);
    output := left(output, place::int) || chr(code::int) || substr(output, place::int + 1);
    place := place + 1;
  END LOOP;
  RETURN output;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
  RETURN label;
END $$;

-- Joiners are letters of a domain, but not between those of European scripts.
CREATE FUNCTION pg_temp.canonical(email text) RETURNS text LANGUAGE sql AS $$
  SELECT normalize(lower(regexp_replace(normalize(
    regexp_replace(email, '@[^@]*$', '') || '@' || (
      SELECT string_agg(CASE
        WHEN label LIKE 'xn--%' THEN pg_temp.readable(label)
        WHEN label COLLATE "C" ~ '^[\u0001-\u05ff\u200b-\u200d]*$' THEN translate(label, U&'\200c\200d', '')
        ELSE label END, '.' ORDER BY i)
      FROM string_to_table(substring(email FROM '[^@]*$'), '.') WITH ORDINALITY AS labels (label, i)
    ), NFKC) COLLATE "C",
    '[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+|[\u200c\u200d]+(?=.*@)',
    '', 'g') COLLATE pg_unicode_fast), NFKC)
$$;

UPDATE "users" SET "email" = "first"."form"
FROM (
  SELECT DISTINCT ON ("form") "id", "form"
  FROM (
    SELECT "id", "created_at", pg_temp.canonical("email") AS "form"
    FROM "users" WHERE "email" ~ '[^ -~]' OR "email" LIKE '%xn--%'
  ) AS "forms"
  ORDER BY "form", "created_at", "id"
) AS "first"
WHERE "users"."id" = "first"."id" AND "users"."email" <> "first"."form"
  AND NOT EXISTS (SELECT FROM "users" AS "other" WHERE "other"."email" = "first"."form");
