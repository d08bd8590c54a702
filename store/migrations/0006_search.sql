-- Find customers by what people remember: a name with a typo, any handle, a company, a value, a word somebody wrote.

-- Text as it is compared, without accents. Immutable and without an extension; most text is ASCII and stays as it is. Bodies
-- are `return`, bound when they are created: an index is built without the search path.
create function unaccented(text) returns text language sql immutable parallel safe return
    case when octet_length($1) = length($1) then $1
         else replace(replace(replace(replace(replace(replace(replace(replace(replace(
                  regexp_replace(normalize(lower($1), nfd), '[\u0300-\u036f]+', '', 'g'),
                  'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'ø', 'o'), 'ł', 'l'), 'đ', 'd'), 'ð', 'd'), 'ı', 'i'), 'ħ', 'h') end;

-- In lower case, signs of ASCII as spaces.
create function fold(text) returns text language sql immutable parallel safe return
    translate(lower(unaccented($1)), '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', repeat(' ', 32));

-- What to_tsvector takes for one token or leaves out (mails, addresses, paths, signs, tags) is taken apart, so that each part
-- is found. `replace` costs a tenth of `translate` here.
create function plain(text) returns text language sql immutable parallel safe return
    replace(replace(replace(replace(replace(replace(replace(replace(replace(unaccented($1),
        '.', ' '), '-', ' '), '/', ' '), '@', ' '), '_', ' '), '+', ' '), '<', ' '), '&', ' '), '=', ' ');

-- Only so much of a text is looked into: a tsvector of more than a mebibyte is refused.
create function words_of(text) returns tsvector language sql immutable parallel safe
return to_tsvector('simple', plain(left($1, 6000)));

-- Words, and every word of four letters and more with one of them left out, marked by `~`: two words a typo apart (a letter
-- wrong, missing, too many, or two swapped) share one of these. Looked up like words, and as fast.
create function with_typos(folded text) returns tsvector language plpgsql immutable parallel safe as $$
declare w text; keys text[] := '{}';
begin
    foreach w in array string_to_array(folded, ' ') loop
        continue when w = '';
        keys := keys || w;
        if length(w) between 4 and 24 then
            keys := keys || ('~' || w);
            for i in 1..length(w) loop
                keys := keys || ('~' || left(w, i - 1) || substr(w, i + 1));
            end loop;
        end if;
    end loop;
    return array_to_tsvector(keys);
end $$;

create function name_keys(name text, shown_name text) returns tsvector language sql immutable parallel safe
return with_typos(fold(left(coalesce(name, '') || ' ' || coalesce(shown_name, ''), 400)));

create function customer_text(name text, shown_name text, company text, tags text[], fields jsonb) returns text
language plpgsql immutable parallel safe as $$
begin
    return concat_ws(' ', name, shown_name, company, array_to_string(tags, ' '),
        case when fields <> '{}' then (select string_agg(f.value, ' ') from jsonb_each_text(fields) f) end);
end $$;

create function address_text(street text, city text, postal_code text, region text, country text) returns text
language plpgsql immutable parallel safe as
$$ begin return concat_ws(' ', street, city, postal_code, region, country); end $$;

-- Rows are numbered as they come, and belong to a block of 64 neighbours, of 512, 4,096 … Looked up together with a word,
-- newest block first and ever larger ones, a word that everybody has costs little more than a rare one.
create function blocks_of(n bigint) returns bigint[] language sql immutable parallel safe
return array[(n >> 6) * 8, (n >> 9) * 8 + 1, (n >> 12) * 8 + 2, (n >> 15) * 8 + 3, (n >> 18) * 8 + 4, (n >> 21) * 8 + 5];

alter table customer add column n bigint not null generated always as identity;
alter table entry    add column n bigint not null generated always as identity;

drop index customer_search;
drop function search_text(text, text, text[]);
create index customer_search on customer
    using gin (blocks_of(n), name_keys(name, shown_name), words_of(customer_text(name, shown_name, company, tags, fields)))
    where not placeholder;
create index customer_part on customer using gin (fold(name) gin_trgm_ops) where not placeholder;
create index handle_start on handle (value text_pattern_ops);
create index address_search on address using gin (words_of(address_text(street, city, postal_code, region, country)))
    where removed_at is null;

-- Recording an entry costs a number; its words are filed in the background (`profiles/filing.py`). What is not filed yet,
-- n >= done, is read through by the search itself.
create index entry_n on entry (n);
create table entry_words (
    n      bigint primary key,
    words  tsvector not null
);
create index entry_words_search on entry_words using gin (blocks_of(n), words) with (gin_pending_list_limit = 65536);
create table filing (done bigint not null);         -- every lower number is filed
insert into filing values (0);

-- Numbers that had no entry when others were filed: of a transaction that failed, or that commits yet.
create table entry_gap (
    n     bigint primary key,
    at    timestamptz not null default now(),
    seen  xid8 not null default pg_snapshot_xmax(pg_current_snapshot())
);
