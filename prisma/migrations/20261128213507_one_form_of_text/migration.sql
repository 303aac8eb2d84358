-- AlterTable
ALTER TABLE "message_reactions" ALTER COLUMN "created_at" SET DEFAULT clock_timestamp(),
ALTER COLUMN "created_at" SET DATA TYPE TIMESTAMPTZ(6);

-- One form of each emoji (fully qualified), so that ❤ and ❤️ are one reaction: as emojiOf in libs/contracts/src/emoji.ts.
CREATE FUNCTION form_of_emoji(typed text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT regexp_replace(translate(typed, U&'\FE0E\FE0F', ''),
    '([' || '\u0023\u002A\u0030-\u0039\u00A9\u00AE\u203C\u2049\u2122\u2139\u2194-\u2199\u21A9-\u21AA\u2328' ||
    '\u23CF\u23ED-\u23EF\u23F1-\u23F2\u23F8-\u23FA\u24C2\u25AA-\u25AB\u25B6\u25C0\u25FB-\u25FC' ||
    '\u2600-\u2604\u260E\u2611\u2618\u261D\u2620\u2622-\u2623\u2626\u262A\u262E-\u262F\u2638-\u263A' ||
    '\u2640\u2642\u265F-\u2660\u2663\u2665-\u2666\u2668\u267B\u267E\u2692\u2694-\u2697\u2699' ||
    '\u269B-\u269C\u26A0\u26A7\u26B0-\u26B1\u26C8\u26CF\u26D1\u26D3\u26E9\u26F0-\u26F1\u26F4' ||
    '\u26F7-\u26F9\u2702\u2708-\u2709\u270C-\u270D\u270F\u2712\u2714\u2716\u271D\u2721\u2733-\u2734' ||
    '\u2744\u2747\u2763-\u2764\u27A1\u2934-\u2935\u2B05-\u2B07\u3030\u303D\u3297\u3299' ||
    '\U0001F170-\U0001F171\U0001F17E-\U0001F17F\U0001F202\U0001F237\U0001F321\U0001F324-\U0001F32C' ||
    '\U0001F336\U0001F37D\U0001F396-\U0001F397\U0001F399-\U0001F39B\U0001F39E-\U0001F39F' ||
    '\U0001F3CB-\U0001F3CE\U0001F3D4-\U0001F3DF\U0001F3F3\U0001F3F5\U0001F3F7\U0001F43F\U0001F441' ||
    '\U0001F4FD\U0001F549-\U0001F54A\U0001F56F-\U0001F570\U0001F573-\U0001F579\U0001F587' ||
    '\U0001F58A-\U0001F58D\U0001F590\U0001F5A5\U0001F5A8\U0001F5B1-\U0001F5B2\U0001F5BC' ||
    '\U0001F5C2-\U0001F5C4\U0001F5D1-\U0001F5D3\U0001F5DC-\U0001F5DE\U0001F5E1\U0001F5E3\U0001F5E8' ||
    '\U0001F5EF\U0001F5F3\U0001F5FA\U0001F6CB\U0001F6CD-\U0001F6CF\U0001F6E0-\U0001F6E5\U0001F6E9' ||
    '\U0001F6F0\U0001F6F3' || '])(?![\U0001F3FB-\U0001F3FF])',
    U&'\\1\FE0F', 'g')
$$;

INSERT INTO message_reactions (message_id, user_id, emoji, created_at)
SELECT message_id, user_id, form_of_emoji(emoji), min(created_at) FROM message_reactions
WHERE emoji <> form_of_emoji(emoji) GROUP BY 1, 2, 3
ON CONFLICT (message_id, user_id, emoji)
  DO UPDATE SET created_at = least(message_reactions.created_at, excluded.created_at);

UPDATE messages m SET reactions = (
  SELECT coalesce(jsonb_agg(jsonb_build_object('emoji', kind.emoji, 'count', kind.count, 'user_ids',
    kind.user_ids[1:50]) ORDER BY kind.since, kind.emoji), '[]')
  FROM (
    SELECT r.emoji, count(*)::int AS count, min(r.created_at) AS since,
      array_agg(r.user_id ORDER BY r.created_at, r.user_id) AS user_ids
    FROM message_reactions r JOIN users u ON u.id = r.user_id
    WHERE r.message_id = m.id AND u.banned_at IS NULL AND r.emoji = form_of_emoji(r.emoji) GROUP BY r.emoji
  ) kind)
WHERE id IN (SELECT message_id FROM message_reactions WHERE emoji <> form_of_emoji(emoji));

DELETE FROM message_reactions WHERE emoji <> form_of_emoji(emoji);

DROP FUNCTION form_of_emoji;

-- Names on one line, in NFC, without what turns the direction of the text around them or piles up marks: as nameOf in
-- libs/contracts/src/text.ts, which refuses the rest today.
CREATE FUNCTION form_of_name(typed text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT normalize(btrim(
    regexp_replace(regexp_replace(regexp_replace(typed,
      '[\u202A-\u202E\u2066-\u2069]', '', 'g'),
      '[\u0001-\u001F\u007F-\u009F\u2028\u2029]+', ' ', 'g'),
      '([\u0300-\u036F]{4})[\u0300-\u036F]+', '\1', 'g')), NFC)
$$;

UPDATE users SET name = coalesce(nullif(form_of_name(name), ''), handle) WHERE name <> form_of_name(name);
UPDATE chats SET title = nullif(form_of_name(title), '') WHERE title <> form_of_name(title);
UPDATE services SET name = coalesce(nullif(form_of_name(name), ''), '—') WHERE name <> form_of_name(name);
UPDATE sessions SET device = nullif(form_of_name(device), '') WHERE device <> form_of_name(device);
UPDATE messages SET forwarded_from =
  jsonb_set(forwarded_from, '{sender_name}', to_jsonb(form_of_name(forwarded_from ->> 'sender_name')))
WHERE forwarded_from ->> 'sender_name' <> form_of_name(forwarded_from ->> 'sender_name');

DROP FUNCTION form_of_name;
