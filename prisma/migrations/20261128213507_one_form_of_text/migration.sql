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

-- Names on one line, in NFC, without what turns the direction of the text around them, and without piles of marks or
-- blanks: as nameOf in libs/contracts/src/text.ts, which refuses the rest today. Empty if nobody sees anything of it.
CREATE FUNCTION form_of_name(typed text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  -- \p{M}
  marks text :=
    '\u0300-\u036F\u0483-\u0489\u0591-\u05BD\u05BF\u05C1-\u05C2\u05C4-\u05C5\u05C7\u0610-\u061A' ||
    '\u064B-\u065F\u0670\u06D6-\u06DC\u06DF-\u06E4\u06E7-\u06E8\u06EA-\u06ED\u0711\u0730-\u074A' ||
    '\u07A6-\u07B0\u07EB-\u07F3\u07FD\u0816-\u0819\u081B-\u0823\u0825-\u0827\u0829-\u082D' ||
    '\u0859-\u085B\u0897-\u089F\u08CA-\u08E1\u08E3-\u0903\u093A-\u093C\u093E-\u094F\u0951-\u0957' ||
    '\u0962-\u0963\u0981-\u0983\u09BC\u09BE-\u09CD\u09D7\u09E2-\u09E3\u09FE-\u0A03\u0A3C-\u0A51' ||
    '\u0A70-\u0A71\u0A75\u0A81-\u0A83\u0ABC\u0ABE-\u0ACD\u0AE2-\u0AE3\u0AFA-\u0B03\u0B3C\u0B3E-\u0B57' ||
    '\u0B62-\u0B63\u0B82\u0BBE-\u0BCD\u0BD7\u0C00-\u0C04\u0C3C\u0C3E-\u0C56\u0C62-\u0C63\u0C81-\u0C83' ||
    '\u0CBC\u0CBE-\u0CD6\u0CE2-\u0CE3\u0CF3-\u0D03\u0D3B-\u0D3C\u0D3E-\u0D4D\u0D57\u0D62-\u0D63' ||
    '\u0D81-\u0D83\u0DCA-\u0DDF\u0DF2-\u0DF3\u0E31\u0E34-\u0E3A\u0E47-\u0E4E\u0EB1\u0EB4-\u0EBC' ||
    '\u0EC8-\u0ECE\u0F18-\u0F19\u0F35\u0F37\u0F39\u0F3E-\u0F3F\u0F71-\u0F84\u0F86-\u0F87\u0F8D-\u0FBC' ||
    '\u0FC6\u102B-\u103E\u1056-\u1059\u105E-\u1060\u1062-\u1064\u1067-\u106D\u1071-\u1074' ||
    '\u1082-\u108D\u108F\u109A-\u109D\u135D-\u135F\u1712-\u1715\u1732-\u1734\u1752-\u1753' ||
    '\u1772-\u1773\u17B4-\u17D3\u17DD\u180B-\u180D\u180F\u1885-\u1886\u18A9\u1920-\u193B\u1A17-\u1A1B' ||
    '\u1A55-\u1A7F\u1AB0-\u1B04\u1B34-\u1B44\u1B6B-\u1B73\u1B80-\u1B82\u1BA1-\u1BAD\u1BE6-\u1BF3' ||
    '\u1C24-\u1C37\u1CD0-\u1CD2\u1CD4-\u1CE8\u1CED\u1CF4\u1CF7-\u1CF9\u1DC0-\u1DFF\u20D0-\u20F0' ||
    '\u2CEF-\u2CF1\u2D7F\u2DE0-\u2DFF\u302A-\u302F\u3099-\u309A\uA66F-\uA672\uA674-\uA67D' ||
    '\uA69E-\uA69F\uA6F0-\uA6F1\uA802\uA806\uA80B\uA823-\uA827\uA82C\uA880-\uA881\uA8B4-\uA8C5' ||
    '\uA8E0-\uA8F1\uA8FF\uA926-\uA92D\uA947-\uA953\uA980-\uA983\uA9B3-\uA9C0\uA9E5\uAA29-\uAA36\uAA43' ||
    '\uAA4C-\uAA4D\uAA7B-\uAA7D\uAAB0\uAAB2-\uAAB4\uAAB7-\uAAB8\uAABE-\uAABF\uAAC1\uAAEB-\uAAEF' ||
    '\uAAF5-\uAAF6\uABE3-\uABEA\uABEC-\uABED\uFB1E\uFE00-\uFE0F\uFE20-\uFE2F\U000101FD\U000102E0' ||
    '\U00010376-\U0001037A\U00010A01-\U00010A0F\U00010A38-\U00010A3F\U00010AE5-\U00010AE6' ||
    '\U00010D24-\U00010D27\U00010D69-\U00010D6D\U00010EAB-\U00010EAC\U00010EFA-\U00010EFF' ||
    '\U00010F46-\U00010F50\U00010F82-\U00010F85\U00011000-\U00011002\U00011038-\U00011046\U00011070' ||
    '\U00011073-\U00011074\U0001107F-\U00011082\U000110B0-\U000110BA\U000110C2\U00011100-\U00011102' ||
    '\U00011127-\U00011134\U00011145-\U00011146\U00011173\U00011180-\U00011182\U000111B3-\U000111C0' ||
    '\U000111C9-\U000111CC\U000111CE-\U000111CF\U0001122C-\U00011237\U0001123E\U00011241' ||
    '\U000112DF-\U000112EA\U00011300-\U00011303\U0001133B-\U0001133C\U0001133E-\U0001134D\U00011357' ||
    '\U00011362-\U00011374\U000113B8-\U000113D0\U000113D2\U000113E1-\U000113E2\U00011435-\U00011446' ||
    '\U0001145E\U000114B0-\U000114C3\U000115AF-\U000115C0\U000115DC-\U000115DD\U00011630-\U00011640' ||
    '\U000116AB-\U000116B7\U0001171D-\U0001172B\U0001182C-\U0001183A\U00011930-\U0001193E\U00011940' ||
    '\U00011942-\U00011943\U000119D1-\U000119E0\U000119E4\U00011A01-\U00011A0A\U00011A33-\U00011A39' ||
    '\U00011A3B-\U00011A3E\U00011A47\U00011A51-\U00011A5B\U00011A8A-\U00011A99\U00011B60-\U00011B67' ||
    '\U00011C2F-\U00011C3F\U00011C92-\U00011CB6\U00011D31-\U00011D45\U00011D47\U00011D8A-\U00011D97' ||
    '\U00011EF3-\U00011EF6\U00011F00-\U00011F01\U00011F03\U00011F34-\U00011F42\U00011F5A\U00013440' ||
    '\U00013447-\U00013455\U0001611E-\U0001612F\U00016AF0-\U00016AF4\U00016B30-\U00016B36\U00016F4F' ||
    '\U00016F51-\U00016F92\U00016FE4-\U00016FF1\U0001BC9D-\U0001BC9E\U0001CF00-\U0001CF46' ||
    '\U0001D165-\U0001D169\U0001D16D-\U0001D172\U0001D17B-\U0001D182\U0001D185-\U0001D18B' ||
    '\U0001D1AA-\U0001D1AD\U0001D242-\U0001D244\U0001DA00-\U0001DA36\U0001DA3B-\U0001DA6C\U0001DA75' ||
    '\U0001DA84\U0001DA9B-\U0001DAAF\U0001E000-\U0001E02A\U0001E08F\U0001E130-\U0001E136\U0001E2AE' ||
    '\U0001E2EC-\U0001E2EF\U0001E4EC-\U0001E4EF\U0001E5EE-\U0001E5EF\U0001E6E3\U0001E6E6' ||
    '\U0001E6EE-\U0001E6EF\U0001E6F5\U0001E8D0-\U0001E8D6\U0001E944-\U0001E94A\U000E0100-\U000E01EF';
  -- \p{Script=Inherited}
  accents text :=
    '\u0300-\u036F\u0485-\u0486\u064B-\u0655\u0670\u0951-\u0954\u1AB0-\u1AEB\u1CD0-\u1CD2' ||
    '\u1CD4-\u1CE0\u1CE2-\u1CE8\u1CED\u1CF4\u1CF8-\u1CF9\u1DC0-\u1DFF\u200C-\u200D\u20D0-\u20F0' ||
    '\u302A-\u302D\u3099-\u309A\uFE00-\uFE0F\uFE20-\uFE2D\U000101FD\U000102E0\U0001133B' ||
    '\U0001CF00-\U0001CF46\U0001D167-\U0001D169\U0001D17B-\U0001D182\U0001D185-\U0001D18B' ||
    '\U0001D1AA-\U0001D1AD\U000E0100-\U000E01EF';
  -- Other characters that nobody sees, without a width
  thin text :=
    '\u00AD\u0600-\u0605\u061C\u06DD\u070F\u0890-\u0891\u08E2\u180E\u200B-\u200F\u202A-\u202E' ||
    '\u2060-\u206F\uFDD0-\uFDEF\uFEFF\uFFF0-\uFFFB\uFFFE-\uFFFF\U000110BD\U000110CD' ||
    '\U00013430-\U0001343F\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A\U0001FFFE-\U0001FFFF' ||
    '\U0002FFFE-\U0002FFFF\U0003FFFE-\U000E00FF\U000E01F0-\U000EFFFF\U000FFFFE-\U000FFFFF' ||
    '\U0010FFFE-\U0010FFFF';
  -- and with one.
  wide text :=
    '\u0001-\u0020\u007F-\u00A0\u115F-\u1160\u1680\u2000-\u200A\u2028-\u2029\u202F\u205F\u2800\u3000' ||
    '\u3164\uFFA0\uFFFC\U00013441-\U00013442\U0001D159';
  -- What JavaScript trims.
  space text := '\s\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF';
  edge text := '^[' || space || ']+|[' || space || ']+$';
  name text COLLATE "C" := regexp_replace(typed, '[\u202A-\u202E\u2066-\u2069]', '', 'g');
BEGIN
  name := regexp_replace(translate(name, U&'\0009', ' '), '[ \u00A0]{4,}', ' ', 'g');
  name := normalize(regexp_replace(name, edge, '', 'g'), NFC);
  name := regexp_replace(name, '[\u0001-\u001F\u007F-\u009F\u2028\u2029]+', ' ', 'g');
  name := regexp_replace(name, '[' || wide || ']([' || thin || ']*[' || wide || ']){3,}', ' ', 'g');
  name := regexp_replace(name, '([' || accents || ']{4})[' || accents || ']+', '\1', 'g');
  name := regexp_replace(name, '([' || marks || thin || ']{8})[' || marks || thin || ']+', '\1', 'g');
  IF name !~ ('[^' || marks || thin || wide || ']') THEN RETURN ''; END IF;
  RETURN normalize(regexp_replace(name, edge, '', 'g'), NFC);
END $$;

UPDATE users SET name = coalesce(nullif(form_of_name(name), ''), handle) WHERE name <> form_of_name(name);
UPDATE chats SET title = nullif(form_of_name(title), '') WHERE title <> form_of_name(title);
UPDATE services SET name = coalesce(nullif(form_of_name(name), ''), '—') WHERE name <> form_of_name(name);
UPDATE sessions SET device = nullif(form_of_name(device), '') WHERE device <> form_of_name(device);
UPDATE messages m SET forwarded_from = jsonb_set(forwarded_from, '{sender_name}', to_jsonb(coalesce(
  nullif(form_of_name(forwarded_from ->> 'sender_name'), ''),
  (SELECT handle FROM users WHERE id::text = m.forwarded_from ->> 'sender_id'), '—')))
WHERE forwarded_from ->> 'sender_name' <> form_of_name(forwarded_from ->> 'sender_name');

DROP FUNCTION form_of_name;
