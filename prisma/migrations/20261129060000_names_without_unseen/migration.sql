-- Names without invisible characters that no language and no emoji needs: as nameOf in libs/contracts/src/text.ts.
CREATE FUNCTION seen_name(typed text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT normalize(regexp_replace(regexp_replace(typed COLLATE "C",
    '[\u00AD\u180E\u200B\u2060-\u2064\u206A-\u206F\uFEFF]|(?<!\U0001F3F4[\U000E0020-\U000E007E]*)[\U000E0000-\U000E007F]', '', 'g'),
    '^[\s\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]+|[\s\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]+$', '', 'g'), NFC)
$$;

UPDATE users SET name = coalesce(nullif(seen_name(name), ''), handle) WHERE name <> seen_name(name);
UPDATE chats SET title = nullif(seen_name(title), '') WHERE title <> seen_name(title);
UPDATE services SET name = coalesce(nullif(seen_name(name), ''), '—') WHERE name <> seen_name(name);
UPDATE sessions SET device = nullif(seen_name(device), '') WHERE device <> seen_name(device);

DROP FUNCTION seen_name;
