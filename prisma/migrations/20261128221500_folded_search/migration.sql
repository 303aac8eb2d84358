-- The form in which texts are searched: letters without case and marks, one encoding for each (ADR 20). Queries and
-- stored texts pass through it here, and nowhere else. It needs PostgreSQL 18, and depends on no locale.
CREATE FUNCTION "folded"(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  -- Most texts have only characters that need the case and ё folded: this costs a fifth of what follows.
  IF value COLLATE "C" ~ '^[\n\u0020-&(-_a-~\u00ab\u00bb\u0401\u0451\u0410-\u044f\U0001f300-\U0001f64f]*$' THEN
    RETURN translate(casefold(value COLLATE pg_unicode_fast), U&'\0451\000a', U&'\0435\0020');
  END IF;
  -- Signs that would become a part of the number or word beside them: №7 as no7, 1½ as 11⁄2.
  value := replace(value, U&'\2116', '#');
  value := regexp_replace(value COLLATE "C", '([\u00bc-\u00be\u2150-\u215f])', ' \1', 'g');
  value := casefold(normalize(value, NFKD) COLLATE pg_unicode_fast);
  -- й, ў and ї are letters of their own, not и, у and і with a mark.
  value := replace(value, U&'\0438\0306', U&'\0439');
  value := replace(value, U&'\0443\0306', U&'\045e');
  value := replace(value, U&'\0456\0308', U&'\0457');
  -- Apostrophes, marks (Latin and Cyrillic, Hebrew, Arabic), and characters that nobody sees.
  value := regexp_replace(value COLLATE "C", '[''`\u2018\u2019\u02bc\u00ad\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u061c\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u115f\u1160\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\U000e0000-\U000e0fff]+', '', 'g');
  value := regexp_replace(value COLLATE "C", '[\u2010-\u2015\u2212\u05be]', '-', 'g');
  value := regexp_replace(value COLLATE "C", '[\t-\r\u0085\u1680\u2028\u2029]', ' ', 'g');
  -- Letters that have no decomposition: ı, ł, ø, đ.
  RETURN translate(value, U&'\0131\0142\00f8\0111', 'ilod');
END $$;

-- The text that a trigram index is of: a folded text, and once more with a space for all signs between words. A space
-- before each word lets a trigram stand for its first two letters.
CREATE FUNCTION "searched"(folded text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  words text := ' ' || regexp_replace(folded COLLATE pg_unicode_fast, '[^[:alnum:]]+', ' ', 'g');
BEGIN
  folded := ' ' || folded;
  RETURN CASE WHEN words = folded THEN folded ELSE folded || words END;
END $$;

DROP INDEX "users_search_idx";
DROP INDEX "users_name_prefix_idx";
DROP INDEX "users_email_search_idx";
DROP INDEX "services_search_idx";

CREATE INDEX "users_search_idx" ON "users" USING gin ("searched"("folded"("name" || ' ' || "handle")) gin_trgm_ops);
CREATE INDEX "users_email_search_idx" ON "users" USING gin ("searched"("folded"("email")) gin_trgm_ops);
CREATE INDEX "services_search_idx" ON "services" USING gin ("searched"("folded"("name")) gin_trgm_ops);

-- By name. Folded, a name may be longer than an index admits.
CREATE INDEX "users_name_idx" ON "users" (left("folded"("name"), 50) text_pattern_ops, "id");
CREATE INDEX "users_masters_idx" ON "users" (left("folded"("name"), 50) text_pattern_ops, "id") WHERE "is_master";
CREATE INDEX "services_name_idx" ON "services" (left("folded"("name"), 50) text_pattern_ops);
